"""An order: what a job is to do, as a value that can be sent to another machine and means the same there."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from sbkernel.definitions.secret import Secret
from sbkernel.errors import JobError

VERSION = 1
HANDED = frozenset({"site", "report", "inputs", "plan"})
"""Arguments that a target gets from whoever runs it; an order cannot name them."""

_FIELDS = frozenset({"version", "verb", "target", "arguments", "inputs", "plan"})
_VERB = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # part of a directory's name
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: object) -> bool:
    """Tell whether a text is a sha256 in hex."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


@dataclass(frozen=True, init=False)
class Order:
    """What a job is to do. Two orders are equal when their text is, and nothing changes one once it is made.

    The text holds no secret and names no site: `inputs` are files by the sha256 of their content, all else is JSON.
    """

    text: str
    """The order as canonical JSON: keys sorted, no blanks, ASCII only."""

    def __init__(
        self,
        verb: str,
        target: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        inputs: Mapping[str, str] | None = None,
        plan: str = "",
    ) -> None:
        """Make an order to call `target` ("module:function"); `inputs` maps names to sha256 in hex.

        `plan` is the digest of the plan that was shown, "" when none was. Raises JobError when a part of the order
        is a secret or cannot be written as JSON.
        """
        arguments, inputs = dict(arguments or {}), dict(inputs or {})
        _check(verb, target, arguments, inputs, plan)
        fields = {"verb": verb, "target": target, "arguments": arguments, "inputs": inputs, "plan": plan}
        object.__setattr__(self, "text", _canonical({"version": VERSION, **fields}))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read an order; JobError when it is damaged, or of a version that this program does not know."""
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise JobError(f"this is not an order: {error}") from None
        if not isinstance(fields, dict) or "version" not in fields:
            raise JobError("this is not an order: it has no version")
        if fields["version"] != VERSION:
            raise JobError(
                f"the order has version {fields['version']!r}, and this program reads version {VERSION} only",
                hint="install the same version of sbkernel on both machines",
            )
        if odd := sorted(_FIELDS.symmetric_difference(fields)):
            raise JobError(f"this is not an order of version {VERSION}: missing or unknown: {', '.join(odd)}")
        if not (isinstance(fields["arguments"], dict) and isinstance(fields["inputs"], dict)):
            raise JobError(f"this is not an order of version {VERSION}: arguments and inputs go by name")
        return cls(fields["verb"], fields["target"], fields["arguments"], inputs=fields["inputs"], plan=fields["plan"])

    @property
    def digest(self) -> str:
        """Return the sha256 of the text in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def verb(self) -> str:
        """Return what the job is called in listings, such as genimage."""
        return str(self._fields["verb"])

    @property
    def target(self) -> str:
        """Return what is called, as "module:function"."""
        return str(self._fields["target"])

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the target; the caller may change what it gets."""
        return dict(self._fields["arguments"])

    @property
    def inputs(self) -> dict[str, str]:
        """Return the sha256 of every input by its name."""
        return dict(self._fields["inputs"])

    @property
    def plan(self) -> str:
        """Return the digest of the plan that was shown, or ""."""
        return str(self._fields["plan"])

    @property
    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.text)
        return fields


def _check(verb: Any, target: Any, arguments: dict[str, Any], inputs: dict[str, str], plan: Any) -> None:
    """Raise JobError unless the parts of an order are what they should be."""
    if not (isinstance(verb, str) and _VERB.fullmatch(verb)):
        raise JobError(f"{verb!r} is no verb of a job", hint="letters, digits, - and _ only, a letter first")
    if not (isinstance(target, str) and _TARGET.fullmatch(target)):
        raise JobError(f"{verb}: the target {target!r} is not of the form module:function")
    if not isinstance(plan, str):
        raise JobError(f"{verb}: the plan is named by its digest, not by a {type(plan).__name__}")
    for name, value in arguments.items():
        if not (isinstance(name, str) and name.isidentifier()):
            raise JobError(f"{verb}: {name!r} is no name of an argument")
        if name in HANDED:
            raise JobError(f"{verb}: the argument {name} is for the job itself to give")
        _check_json(value, f"{verb}: the argument {name}")
    for name, digest in inputs.items():
        if not isinstance(name, str):
            raise JobError(f"{verb}: {name!r} is no name of an input")
        if not is_sha256(digest):
            raise JobError(f"{verb}: the input {name} has the digest {digest!r}, which is no sha256 in hex")


def _check_json(value: Any, where: str) -> None:
    """Raise JobError when a value is a secret, or would not come back from JSON as it is."""
    if isinstance(value, Secret):
        raise JobError(
            f"{where} is a secret, and an order is kept on disk", hint="pass the name of the object that holds it"
        )
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise JobError(f"{where} has a key that is no text but a {type(key).__name__}")
            _check_json(inner, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _check_json(inner, f"{where}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise JobError(f"{where} is {value}, which JSON cannot express")
    elif value is not None and not isinstance(value, str | int | float):
        raise JobError(
            f"{where} is a {type(value).__name__}, which JSON cannot express",
            hint="pass text, numbers, True, False, None, lists, or dicts with text as keys",
        )


def _canonical(fields: dict[str, Any]) -> str:
    try:
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:  # an integer of thousands of digits
        raise JobError(f"{fields['verb']}: {error}") from None
    return text
