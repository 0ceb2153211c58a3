"""What APPEND: and MERGE: make of a file of the tree (xCAT's xdcpappend.sh and xdcpmerge.sh). Pure.

Both always begin with the file as the tree has it, so that packing again adds nothing twice.
"""

from __future__ import annotations

FIELDS = {"/etc/passwd": 7, "/etc/shadow": 9, "/etc/group": 4}
"""How many fields a line has (passwd(5), shadow(5), group(5))."""


class MalformedError(ValueError):
    """A line of a source is not what the file holds; the message does not show the line, which may be secret."""


def appended(target: bytes, source: bytes) -> bytes:
    """Return a file with another behind it; a last line without an end gets one."""
    return _ended(target) + source


def merged(target: bytes, source: bytes, path: str) -> bytes:
    """Return a file of users with the lines of another in place of those with the same name, or behind them.

    `path` is that in the tree. A name that the source has twice keeps its last line. Raises MalformedError.
    """
    lines = {_key(line): line for line in _lines(source, path)}
    kept = [line for line in target.splitlines() if _key(line) not in lines]
    return b"".join(line + b"\n" for line in (*kept, *lines.values()))


def _lines(source: bytes, path: str) -> list[bytes]:
    lines = [(number, line) for number, line in enumerate(source.splitlines(), start=1) if line.strip()]
    for number, line in lines:
        # A line that begins with + or - asks a directory service, and may be shorter.
        if not line.startswith((b"+", b"-")) and line.count(b":") + 1 != FIELDS[path]:
            raise MalformedError(f"line {number} has {line.count(b':') + 1} fields, not the {FIELDS[path]} of {path}")
    return [line for _, line in lines]


def _key(line: bytes) -> bytes:
    return line.partition(b":")[0]


def _ended(text: bytes) -> bytes:
    return text if not text or text.endswith(b"\n") else text + b"\n"
