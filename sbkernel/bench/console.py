"""What a serial console shows about a boot, for any initrd: when its stages began, and what runs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sbkernel.service.console.plaintext import PlainText
from sbkernel.service.console.sightings import ConsoleWatch

_KERNEL = re.compile(rb"\] Linux version ")
# systemd's greeting; the greeting in dracut's initrd names dracut or the initramfs.
_WELCOME = re.compile(rb"Welcome to (?![^\r\n]*(?:dracut|[Ii]nitramfs|initrd))[^\r\n]+!")
_PROOF = re.compile(
    rb"bench-proof os-release=([0-9a-f]{64}) packages=([0-9a-f]{64}) kernel=(\S{1,80}) root=([\w/]{1,20})"
    rb" memory=(\d{1,15}) read=(\d{1,15}) end"
)
_HELD = 4096


@dataclass(frozen=True)
class Proof:
    """What a node reports to run: sha256 of its os-release and of dpkg's database, its kernel, the type of its root.

    `memory` is how many bytes no program can have any more, `read` how many came from the server on demand.
    """

    os_release: str
    packages: str
    kernel: str
    root: str
    memory: int = 0
    read: int = 0


@dataclass
class ConsoleBoot:
    """Follow one boot; `seen` has the time when kernel, userspace and login were first seen."""

    seen: dict[str, float] = field(default_factory=dict)
    proof: Proof | None = None
    failure: str = ""
    _plain: PlainText = field(default_factory=PlainText)
    _watch: ConsoleWatch = field(default_factory=ConsoleWatch)
    _tail: bytes = b""

    @property
    def done(self) -> bool:
        """Tell whether the node has shown its prompt and has reported what it runs."""
        return "login" in self.seen and self.proof is not None

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes that arrived at a time (in seconds)."""
        text = self._tail + self._plain.feed(data)
        for stage, pattern in (("kernel", _KERNEL), ("userspace", _WELCOME)):
            if pattern.search(text):
                self.seen.setdefault(stage, now)
        self._find_proof(text)
        self._find_end(data, now)
        self._tail = text[-_HELD:]

    def _find_proof(self, text: bytes) -> None:
        match = _PROOF.search(text)
        if match:
            release, packages, kernel, root, memory, read = (part.decode(errors="replace") for part in match.groups())
            self.proof = Proof(release, packages, kernel, root, int(memory), int(read))

    def _find_end(self, data: bytes, now: float) -> None:
        for sighting in self._watch.feed(data):
            if sighting.stage == "login":
                self.seen.setdefault("login", now)
            else:
                self.failure = self.failure or sighting.text
