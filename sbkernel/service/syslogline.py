"""One line of log/messages from one syslog datagram (RFC 3164, RFC 5424 and what senders make of them)."""

from __future__ import annotations

import re
from datetime import datetime

_PRIORITY = re.compile(r"<(\d{1,3})>")
_RFC5424 = re.compile(
    r"1 (?P<time>\S+) (?P<host>\S+) (?P<tag>\S+) (?P<pid>\S+) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?P<text>.*)",
    re.DOTALL,
)
_RFC3164 = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (?P<host>[\w.:-]+) (?P<text>.*)", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def message_line(data: bytes, peer: str, received: datetime) -> str:
    """Return `TIME HOST TEXT`, the format of rsyslog's files; time of receipt, control characters as `#ooo`.

    The host is the one the sender names, else its address.
    """
    text = data.decode(errors="replace").rstrip("\r\n\0")
    text = _PRIORITY.sub("", text, count=1) if _PRIORITY.match(text) else text
    host, text = _host_and_text(text, peer)
    return f"{received.isoformat(timespec='milliseconds')} {_printable(host)} {_printable(text)}\n"


def _host_and_text(text: str, peer: str) -> tuple[str, str]:
    if found := _RFC5424.fullmatch(text):
        tag = _tag(found["tag"], found["pid"])
        return (peer if found["host"] == "-" else found["host"]), tag + found["text"].removeprefix("\ufeff")
    if found := _RFC3164.fullmatch(text):
        return found["host"], found["text"]
    return peer, text


def _tag(tag: str, pid: str) -> str:
    if tag == "-":
        return ""
    return f"{tag}: " if pid == "-" else f"{tag}[{pid}]: "


def _printable(text: str) -> str:
    """Escape control characters as rsyslog does, so that a node cannot forge lines of another."""
    return _CONTROL.sub(lambda found: f"#{ord(found.group()):03o}", text)
