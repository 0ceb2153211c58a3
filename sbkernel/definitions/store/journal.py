"""The journal: who changed what and when, every object before and after. Pure but for the name of the user."""

from __future__ import annotations

import functools
import json
import os
import pwd
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.attributes import attributes_of

Before = Mapping[str, str] | None
"""An object's attributes before or after a change; None: there was none."""


# json.dumps makes an encoder at every call.
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Change(NamedTuple):
    """One change set: all that one call of a verb changed."""

    id: int
    t: float
    """Seconds since the epoch."""
    who: str
    what: str
    objects: int
    """How many objects it changed."""


class Entry(NamedTuple):
    """One object of a change set."""

    objtype: str
    name: str
    before: dict[str, str] | None
    after: dict[str, str] | None

    def __repr__(self) -> str:
        return f"Entry({self.objtype} {self.name})"  # values may be secret


def user() -> str:
    """Return the name of who works here, behind sudo too."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return os.environ.get("SUDO_USER") or name


def dump(values: Mapping[str, str]) -> str:
    """Return attributes as they are stored; ASCII, so that bytes which are no UTF-8 survive too."""
    return _encode(values)


def load(text: str | None) -> dict[str, str] | None:
    """Return attributes that were stored."""
    return None if text is None else json.loads(text)


def load_many(texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return objects by name; the decoder is called once for all, as a call costs as much as a small object."""
    return dict(zip(texts, json.loads(f"[{','.join(texts.values())}]"), strict=True))


def steady(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that people set; what the running system writes, such as status, is left out."""
    volatile = _volatile(objtype)
    return {key: value for key, value in values.items() if key not in volatile}


def matters(objtype: str, before: Before, after: Before) -> bool:
    """Say whether a change belongs in the journal: not when nothing but volatile attributes differ.

    A node that the system makes and removes again (throwaway) does not either: nobody wants to undo that.
    """
    if objtype == "node" and any(values and "throwaway" in values for values in (before, after)):
        return False
    if before is None or after is None:
        return before is not after
    volatile = _volatile(objtype)
    for key, value in after.items():
        if before.get(key) != value and key not in volatile:
            return True
    return any(key not in after and key not in volatile for key in before)


@functools.cache
def _volatile(objtype: str) -> frozenset[str]:
    return frozenset(key for key, attribute in attributes_of(objtype).items() if attribute.volatile)
