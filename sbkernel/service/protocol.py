"""What goes over the socket of the service: one JSON object a line, both ways.

Server:  {"service": "sbkernel", "version": ..., "site": ..., "pid": ...}     the greeting, first on every connection
Client:  {"verb": "rpower", "noderange": "n1-n3", "action": "stat"}           one request on a connection
         {"verb": "rpower", "nodes": ["n1", "n2"], "action": "off"}           exactly these nodes
Server:  {"node": "n1", "ok": true, "text": "on", "hint": null} ...           any number of answers
Server:  {"done": true}  or  {"error": ..., "kind": ..., "hint": ...}         the last line

After `rcons` has been answered, the connection carries the raw bytes of the serial line in both directions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sbkernel import errors
from sbkernel.errors import SbkernelError, ServiceError

LINE_LIMIT = 1 << 24
"""Room for the names of more nodes than one service has."""
Message = dict[str, Any]
# json.dumps makes an encoder at every call.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line."""
    return _encode(message).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of one line; raise ServiceError when it is not a JSON object."""
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ServiceError(f"not a message of the service: {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise ServiceError(f"not a message of the service: {line[:80]!r}")
    return message


def encode_error(error: SbkernelError) -> Message:
    """Return the last line of a request that failed."""
    message: Message = {"error": error.message, "kind": type(error).__name__, "hint": error.hint}
    if isinstance(error, errors.NodeError):
        message["node"] = error.node
    return message


def decode_error(message: Mapping[str, Any]) -> SbkernelError:
    """Return the error that a last line stands for, as the class that was raised in the service."""
    text, hint = str(message["error"]), message.get("hint")
    if "node" in message:
        node = str(message["node"])
        return errors.NodeError(node, text.removeprefix(f"{node}: "), hint=hint)
    kind = getattr(errors, str(message.get("kind")), ServiceError)
    if kind in (errors.DefinitionError, errors.NotFoundError, errors.ToolMissingError):
        error: SbkernelError = kind(text, hint=hint)
        return error
    return ServiceError(text, hint=hint)
