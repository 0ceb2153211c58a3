"""Who signed a version: sums, a short text that names its files by their sums, and sums.sig, a signature of minisign.

Both lie beside image.json and are no part of the content. The roots stand first and in the order in which nodes mount
them: a node compares these lines with its command line (templates/initrd/verify.sh). The last line says when the
version was published, so that nobody can pass off an old one as new; older signatures lack it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sbkernel.errors import BuildError, NotFoundError, SbkernelError
from sbkernel.files import write_whole
from sbkernel.images.catalog import minisign
from sbkernel.images.catalog.keys import PublicKey, own, secret_key
from sbkernel.images.catalog.minisign import Signed, UnknownKeyError
from sbkernel.images.catalog.version import ImageVersion, content_digest
from sbkernel.site import Site

SUMS, SIGNATURE = "sums", "sums.sig"
NODE_PROGRAM = "minisign"
"""What the initrd needs. With its libraries it is as large as signify and a third of openssl."""
KEY_FILE = "lib/sbkernel/site.pub"
"""Where in the initrd the public key lies."""

_NO_HASH = "-"
_PUBLISHED = "published"


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
    """Return the text that is signed: the image's digest, then a line a file with name, sha256, bytes, root hash.

    Then, in whole seconds since the epoch, when it was published.
    """
    created = [f"{_PUBLISHED} {int(version.created)}\n"] if "created" in version.data else []
    return "".join([_files(version), *created])


def _files(version: ImageVersion) -> str:
    roots = version.roots
    names = {root.name for root in roots}
    files: dict[str, Any] = {name: facts for name, facts in version.data["files"].items() if name not in names}
    lines = [f"image {version.digest}"]
    lines += [f"root {one.name} {one.sha256} {one.size} {one.verity or _NO_HASH}" for one in roots]
    lines += [f"file {name} {files[name]['sha256']} {files[name]['size']} {_NO_HASH}" for name in sorted(files)]
    return "".join(f"{line}\n" for line in lines)


def sign(site: Site, version: ImageVersion) -> None:
    """Sign a version with the key of the site, beside its image.json. NotFoundError if the site has none."""
    text = sums(version).encode()
    signature = minisign.signature_of(text, secret_key(site), f"{version.image} signed")
    for name, content in ((SUMS, text), (SIGNATURE, signature)):
        write_whole(version.dir / name, content, durable=True)


def read(version: ImageVersion) -> dict[str, bytes]:
    """Return the text and the signature of a version by the names of their files; nothing if it has none."""
    try:
        return {name: (version.dir / name).read_bytes() for name in (SUMS, SIGNATURE)}
    except FileNotFoundError:
        return {}


def is_signed(version: ImageVersion) -> bool:
    """Tell whether a version has a signature, good or bad."""
    return (version.dir / SIGNATURE).is_file()


def dates(found: Mapping[str, bytes]) -> bool:
    """Tell whether a text that was signed says when the version was published."""
    return f"\n{_PUBLISHED} ".encode() in found.get(SUMS, b"")


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
    """Return who signed a version, which need not be published yet; its image.json must be as it was published.

    NotFoundError for no signature, UnknownKeyError for one of nobody known, BuildError for a wrong one. Whether the
    files are as they are described is another question (ImageVersion.damaged).
    """
    where = version.dir
    if content_digest(version.data) != version.digest:
        raise BuildError(f"{where / 'image.json'} was changed: its digest is another")
    found = read(version)
    if not found:
        raise NotFoundError(f"{where} is not signed", hint="packimage signs once the site has a key")
    return check_texts(version, found, keys, where)


def check_texts(version: ImageVersion, found: Mapping[str, bytes], keys: Sequence[PublicKey], where: object) -> Signed:
    """Return who signed a version with what read() has found, wherever that lies; the rest as check()."""
    signed = minisign.checked(found[SUMS], found[SIGNATURE], keys, where)
    # As a node reads it: other ends of lines would be other bytes, which nobody has signed.
    if found[SUMS] not in (sums(version).encode(), _files(version).encode()):
        raise BuildError(f"the signature of {where} is of another image: image.json does not say what {SUMS} says")
    return signed
