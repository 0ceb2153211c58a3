"""What a verb answered, and the words that tests of several verbs share."""

import socket
from collections.abc import Callable
from typing import NamedTuple

COMPUTE = "debian12-x86_64-netboot-compute"
SERVICE = "debian12-x86_64-netboot-service"
MN = socket.gethostname().split(".")[0]
SCRIPTS = "    postbootscripts=otherpkgs\n    postscripts=syslog,remoteshell,syncfiles\n"
"""What every node runs, as a long listing shows it."""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Sb = Callable[..., Result]


def made(count: int) -> str:
    return f"{count} object definitions have been created or modified.\n"


def error(*texts: str) -> str:
    return "".join(f"Error: [{MN}]: {text}\n" for text in texts)


def warning(text: str) -> str:
    return f"Warning: [{MN}]: {text}\n"
