"""Run orders on a host that ssh reaches: it needs Python and what the order itself runs, and nothing of ours.

Keys, names and ports are those of the user's ssh; no password is ever asked for, and the key of the host has to be
known (ssh_config(5): BatchMode, StrictHostKeyChecking). $SBKERNEL_SSH_TIMEOUT is another time than pipe.py's SILENCE_S.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from sbkernel.errors import JobError
from sbkernel.jobs.launchers.pipe import FIRST, SILENCE_S, Piped

_ADDRESS = re.compile(r"(?:([A-Za-z_][\w.-]*)@)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][\w.-]*))(?::(\d{1,5}))?", re.ASCII)
# Modules that distributions bring are those of their own Python. Whatever shell the user has there reads this.
_COMMAND = f"exec sh -c 'PATH=/usr/bin:$PATH exec python3 -Ic \"{FIRST}\"'"
_HINTS = {
    "HOST IDENTIFICATION HAS CHANGED": "ask whoever runs it whether its key was changed",
    "Host key verification failed": "log in there once by hand, and compare its key",
    "Permission denied": "ssh has to log in there without a password: ssh-copy-id",
}


class Host(NamedTuple):
    """How ssh is told where to go."""

    name: str
    user: str = ""
    port: str = ""

    def __str__(self) -> str:
        """Return it as it was given."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return "".join([f"{self.user}@" if self.user else "", name, f":{self.port}" if self.port else ""])


def read_address(text: str) -> Host | None:
    """Return what [USER@]HOST[:PORT] names; None for anything else. An address of IPv6 stands in brackets."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[4] or 22) not in range(1, 65536):
        return None
    return Host(match[2] or match[3], match[1] or "", match[4] or "")


class Ssh(Piped):
    """A host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.silence_s = float(os.environ.get("SBKERNEL_SSH_TIMEOUT") or SILENCE_S)

    def __str__(self) -> str:
        """Return how the host was given."""
        return str(self.host)

    def argv(self) -> list[str]:
        """Return the call of ssh."""
        alive_s, connect_s = max(1, int(self.silence_s / 4)), max(1, int(self.silence_s / 2))
        options = [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "ClearAllForwardings=yes", "ForwardAgent=no",
            "ForwardX11=no", "PermitLocalCommand=no", "RequestTTY=no", "RemoteCommand=none", "ControlMaster=no",
            f"ConnectTimeout={connect_s}", f"ServerAliveInterval={alive_s}", "ServerAliveCountMax=3",
        ]  # fmt: skip
        words = [word for option in options for word in ("-o", option)]
        words += ["-l", self.host.user] if self.host.user else []
        words += ["-p", self.host.port] if self.host.port else []
        return ["ssh", "-T", *words, "--", self.host.name, _COMMAND]

    def unreached(self, said: Sequence[str], status: int) -> JobError:
        """Return what ssh said, and what to do about it."""
        if status in (126, 127):
            return JobError(f"{self} has no python3", hint="apt-get install python3 there; 3.11 or newer")
        found = (hint for text, hint in _HINTS.items() if text in "\n".join(said))
        last = said[-1] if said else f"ssh ended with status {status}"
        return JobError(f"cannot reach {self}: {last}", hint=next(found, f"does `ssh {self.host.name} true` work?"))
