"""Who signed a version: sums, a short text that names its files by their sums, and sums.sig, a signature of minisign.

Both lie beside image.json and are no part of the content. The roots stand first and in the order in which nodes mount
them: a node compares these lines with its command line (templates/initrd/verify.sh).
"""

from __future__ import annotations

import getpass
import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError, NotFoundError, SbkernelError
from sbkernel.files import sync
from sbkernel.images.catalog.keys import PublicKey, key_id, own, secret_key
from sbkernel.images.catalog.version import ImageVersion, content_digest
from sbkernel.jobs.run import run
from sbkernel.jobs.spawn import Words
from sbkernel.site import Site

SUMS, SIGNATURE = "sums", "sums.sig"
NODE_PROGRAM = "minisign"
"""What the initrd needs. With its libraries it is as large as signify and a third of openssl."""
KEY_FILE = "lib/sbkernel/site.pub"
"""Where in the initrd the public key lies."""

_NO_HASH = "-"


class UnknownKeyError(BuildError):
    """A signature was made with a key that is not known here."""


@dataclass(frozen=True)
class Signed:
    """Whose signature a version has: the name of the key here, its id, and what the signer said about it."""

    key: str
    id: str
    comment: str

    def __str__(self) -> str:
        return f"{self.key} {self.id}: {self.comment}"


@dataclass(frozen=True)
class Signer:
    """Who signs the versions of a site that has a key."""

    site: Site
    key: PublicKey

    def sign(self, version: ImageVersion) -> None:
        """Sign a version, beside its image.json."""
        sign(self.site, version)


def signer(site: Site) -> Signer | None:
    """Return who signs the versions of a site; None if it has no key. SbkernelError if its key is open to others."""
    key = own(site)
    if key:
        secret_key(site)
    return Signer(site, key) if key else None


def sums(version: ImageVersion) -> str:
    """Return the text that is signed: the image's digest, then a line a file with name, sha256, bytes, root hash."""
    roots = version.roots
    names = {root.name for root in roots}
    files: dict[str, Any] = {name: facts for name, facts in version.data["files"].items() if name not in names}
    lines = [f"image {version.digest}"]
    lines += [f"root {one.name} {one.sha256} {one.size} {one.verity or _NO_HASH}" for one in roots]
    lines += [f"file {name} {files[name]['sha256']} {files[name]['size']} {_NO_HASH}" for name in sorted(files)]
    return "".join(f"{line}\n" for line in lines)


def sign(site: Site, version: ImageVersion) -> None:
    """Sign a version with the key of the site, beside its image.json. NotFoundError if the site has none."""
    key = secret_key(site)
    comment = f"{version.image} signed by {getpass.getuser()}@{socket.gethostname()}"
    with tempfile.TemporaryDirectory(prefix=".sign-", dir=version.dir) as scratch:
        text, signature = Path(scratch, SUMS), Path(scratch, SIGNATURE)
        text.write_text(sums(version))
        run(["minisign", "-S", "-s", key, "-m", text, "-x", signature, "-t", comment])
        for file in (text, signature):
            file.chmod(0o644)
            sync(file)
            file.replace(version.dir / file.name)
    sync(version.dir)


def is_signed(version: ImageVersion) -> bool:
    """Tell whether a version has a signature, good or bad."""
    return (version.dir / SIGNATURE).is_file()


def told(version: ImageVersion, keys: Sequence[PublicKey]) -> str:
    """Return whose signature a version has in a word or two; "" if it has none."""
    if not is_signed(version):
        return ""
    try:
        return check(version, keys).key
    except UnknownKeyError:
        return "unknown key"
    except SbkernelError:
        return "WRONG"


def check(version: ImageVersion, keys: Sequence[PublicKey]) -> Signed:
    """Return who signed a version, which need not be published yet.

    NotFoundError for no signature, UnknownKeyError for one of nobody known, BuildError for a wrong one, and for an
    image.json that was changed. Whether the files are as they are described is another question
    (ImageVersion.damaged).
    """
    where = version.dir
    if content_digest(version.data) != version.digest:
        raise BuildError(f"{where / 'image.json'} was changed: its digest is another")
    try:
        # As a node reads it: other ends of lines would be other bytes, which nobody has signed.
        text = (where / SUMS).read_bytes()
        key = _signer((where / SIGNATURE).read_text(errors="replace"), keys, where)
    except FileNotFoundError:
        raise NotFoundError(f"{where} is not signed", hint="packimage signs once the site has a key") from None
    # Copied, so that what is checked is what was read, and nobody can change it in between.
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as scratch:
        file = Path(scratch, SUMS)
        file.write_bytes(text)
        argv: Words = ["minisign", "-V", "-Q", "-P", key.line, "-m", file, "-x", where / SIGNATURE]
        try:
            comment = run(argv).stdout.strip()
        except CommandError as error:
            raise BuildError(f"the signature of {where} is wrong: {error.tail}") from error
    if text != sums(version).encode():
        raise BuildError(f"the signature of {where} is of another image: image.json does not say what {SUMS} says")
    return Signed(key.name, key.id, comment)


def _signer(signature: str, keys: Sequence[PublicKey], where: os.PathLike[str]) -> PublicKey:
    line = next((line for line in signature.splitlines() if line and not line.startswith("untrusted comment:")), "")
    try:
        wanted = key_id(line)
    except ValueError:
        wanted = ""
    found = next((key for key in keys if key.id == wanted), None)
    if found is None:
        said = f"{os.fspath(where)} is signed with the key {wanted or '(unreadable)'}, which is not known here"
        raise UnknownKeyError(said, hint="sb keys add NAME FILE, if you trust who has it")
    return found
