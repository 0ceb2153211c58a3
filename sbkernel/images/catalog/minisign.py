"""A text and its signature: made and checked by minisign(1), and never read twice."""

from __future__ import annotations

import getpass
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.catalog.keys import PublicKey, key_id
from sbkernel.jobs.run import run
from sbkernel.jobs.spawn import Words


class UnknownKeyError(BuildError):
    """A signature was made with a key that is not known here."""


@dataclass(frozen=True)
class Signed:
    """Whose signature it is: the name of the key here, its id, and what the signer said about it."""

    key: str
    id: str
    comment: str

    def __str__(self) -> str:
        return f"{self.key} {self.id}: {self.comment}"


def signature_of(text: bytes, secret_key: Path, what: str) -> bytes:
    """Return a signature, in which the signer says `what` was done by whom."""
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as scratch:
        file, signature = Path(scratch, "text"), Path(scratch, "text.sig")
        file.write_bytes(text)
        comment = f"{what} by {getpass.getuser()}@{socket.gethostname()}"
        run(["minisign", "-S", "-s", secret_key, "-m", file, "-x", signature, "-t", comment])
        return signature.read_bytes()


def checked(text: bytes, signature: bytes, known: Sequence[PublicKey], where: object) -> Signed:
    """Return who signed a text. UnknownKeyError for a signature of nobody known, BuildError for a wrong one.

    `where` names both in errors.
    """
    key = _signer(signature.decode(errors="replace"), known, where)
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as scratch:
        file, beside = Path(scratch, "text"), Path(scratch, "text.sig")
        file.write_bytes(text)
        beside.write_bytes(signature)
        argv: Words = ["minisign", "-V", "-Q", "-P", key.line, "-m", file, "-x", beside]
        try:
            return Signed(key.name, key.id, run(argv).stdout.strip())
        except CommandError as error:
            raise BuildError(f"the signature of {where} is wrong: {error.tail}") from error


def _signer(signature: str, known: Sequence[PublicKey], where: object) -> PublicKey:
    line = next((line for line in signature.splitlines() if line and not line.startswith("untrusted comment:")), "")
    try:
        wanted = key_id(line)
    except ValueError:
        wanted = ""
    found = next((key for key in known if key.id == wanted), None)
    if found is None:
        said = f"{where} is signed with the key {wanted or '(unreadable)'}, which is not known here"
        raise UnknownKeyError(said, hint="sb keys add NAME FILE, if you trust who has it")
    return found
