"""Answers of a Redfish service: JSON within bounds, and what its errors say; whatever comes, nothing is believed.

Source: DMTF DSP0266 1.20, section 8 (responses).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sbkernel.nodes.maintenance import plain

BODY_MAX = 4 << 20
"""More bytes than this are no answer."""
_NUMBER_MAX = 1e15

Document = Mapping[str, Any]


class BrokenError(Exception):
    """The connection ended in the middle of a request: it may have been heard."""


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its headers, and its document ({} when it has none)."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Document = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """What an unchanged resource is known by; empty when the service has no such thing."""
        return self.headers.get("ETag") or text(self.document, "@odata.etag")

    @property
    def retry_after_s(self) -> float | None:
        """How long the service asks to wait; None when it does not say, or says a date."""
        value = self.headers.get("Retry-After", "")
        return float(value) if value.isascii() and value.isdigit() and len(value) < 6 else None


def parse(body: bytes) -> Document | None:
    """Read a document; None for what is none. An empty body is an empty one."""
    if not body:
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def complaint(answer: Answer) -> str:
    """Return what the service says of an error, on one line, and nothing that a terminal would act on."""
    error = child(answer.document, "error")
    infos = [one for one in items(error, "@Message.ExtendedInfo") if text(one, "Message")]
    said = text(infos[0], "Message") if infos else text(error, "message")
    return plain(said) or f"status {answer.status}"


def names_error(answer: Answer, word: str) -> bool:
    """Tell whether one of the messages of an error is that of the registry, whatever its version."""
    error = child(answer.document, "error")
    keys = [text(error, "code"), *(text(one, "MessageId") for one in items(error, "@Message.ExtendedInfo"))]
    return any(key.rpartition(".")[2] == word for key in keys)


def text(document: Document, key: str) -> str:
    """Return a text of a document; empty when it has none of that name."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def number(document: Document, key: str) -> float | None:
    """Return a number of a document; None when it has none of that name, or one that is out of all bounds."""
    value = document.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _NUMBER_MAX:
        return None
    return float(value)


def child(document: Document, key: str) -> Document:
    """Return an object in a document; empty when it has none of that name."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def items(document: Document, key: str) -> list[Document]:
    """Return the objects in a list of a document; none when it has no such list."""
    value = document.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def words(document: Document, key: str) -> list[str]:
    """Return the texts in a list of a document; none when it has no such list."""
    value = document.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def link(document: Document, key: str) -> str:
    """Return the path that a document refers to; empty when it refers to none."""
    return text(child(document, key), "@odata.id")


def links(document: Document, key: str) -> list[str]:
    """Return the paths that a document lists."""
    return [path for one in items(document, key) if (path := text(one, "@odata.id"))]
