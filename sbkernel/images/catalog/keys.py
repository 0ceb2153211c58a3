"""The keys of a site: its own, with which packimage signs, and public ones of others whose signatures it believes.

keys/sign.key (0600), keys/sign.pub   its own, in the form of minisign(1), without a password: packimage runs from cron
keys/known/NAME.pub                   those of others

The mode of the file and of its directory (0700) protects the secret key: whoever is the site's user, or root, can sign.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sbkernel.definitions.validate import check_name
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.files import in_turn, made, sync, write_whole
from sbkernel.jobs.run import run
from sbkernel.site import Site

OWN = "site"
"""The name of the site's own key among those that it knows."""

_ALGORITHM, _ID_BYTES, _KEY_BYTES = b"Ed", 8, 32


@dataclass(frozen=True)
class PublicKey:
    """A public key of minisign: what it is called here, and its one line of base64."""

    name: str
    line: str

    @property
    def id(self) -> str:
        """Return the 16 digits by which signatures name it."""
        return key_id(self.line)

    @property
    def text(self) -> str:
        """Return the file that minisign reads."""
        return f"untrusted comment: minisign public key {self.id}\n{self.line}\n"


def key_id(line: str) -> str:
    """Return the id in a line of base64 that minisign wrote, of a key or a signature."""
    return base64.b64decode(line)[len(_ALGORITHM) :][:_ID_BYTES][::-1].hex().upper()


def own(site: Site) -> PublicKey | None:
    """Return the public key of the site; None as long as nobody made one."""
    return _read(OWN, _home(site) / "sign.pub") if (_home(site) / "sign.key").exists() else None


def known(site: Site) -> list[PublicKey]:
    """Return all keys whose signatures are believed, the site's own first, then by name."""
    first = own(site)
    others = sorted((_home(site) / "known").glob("[!.]*.pub"))
    return [*([first] if first else []), *(_read(file.stem, file) for file in others)]


def make(site: Site) -> PublicKey:
    """Make the key of the site. DefinitionError if it has one: images that it has signed name that one."""
    home = made(_home(site), 0o700)
    with in_turn(home / ".lock"):
        there = own(site)
        if there:
            raise DefinitionError(f"the site has a key: {there.id}", hint=f"to make another, move {home}/sign.key away")
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
            new = Path(scratch)
            run(["minisign", "-G", "-W", "-p", new / "sign.pub", "-s", new / "sign.key"])
            (new / "sign.key").chmod(0o600)
            for name in ("sign.pub", "sign.key"):
                sync(new / name)
                (new / name).replace(home / name)
            sync(home)
    return _read(OWN, home / "sign.pub")


def add(site: Site, name: str, text: str) -> PublicKey:
    """Believe what another key has signed. DefinitionError for text that is no public key of minisign."""
    if check_name("osimage", name) == OWN:
        raise DefinitionError(f"{OWN} is the name of the site's own key", hint="choose another")
    key = _parse(name, text, f"key {name}")
    home = made(_home(site), 0o700)
    with in_turn(home / ".lock"):
        write_whole(made(home / "known") / f"{name}.pub", key.text, durable=True)
    return key


def secret_key(site: Site) -> Path:
    """Return the file of the secret key. SbkernelError if there is none, or if others may read it."""
    file = _home(site) / "sign.key"
    try:
        mode = file.stat().st_mode & 0o777
    except FileNotFoundError:
        raise NotFoundError("the site has no key to sign with", hint="sb keys make") from None
    if mode & 0o077:
        raise SbkernelError(f"others may read or write the secret key {file} (mode {mode:o})", hint=f"chmod 600 {file}")
    return file


def _home(site: Site) -> Path:
    return site.root / "keys"


def _read(name: str, file: Path) -> PublicKey:
    return _parse(name, file.read_text(errors="replace"), str(file))


def _parse(name: str, text: str, where: str) -> PublicKey:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    try:
        data = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != len(_ALGORITHM) + _ID_BYTES + _KEY_BYTES or not data.startswith(_ALGORITHM):
        raise DefinitionError(f"{where}: no public key of minisign", hint="`sb keys show` prints one")
    return PublicKey(name, line)
