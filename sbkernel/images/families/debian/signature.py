"""Who vouches for a disc: the signature of its Release, checked by the keys that this host has (gpgv(1))."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.media.medium import Medium, read
from sbkernel.jobs.run import run
from sbkernel.lists.diagnostic import shown

_KEYRINGS = ("/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d")
_RELEASE = re.compile(r"dists/[^/]+/Release")
_STATUS = re.compile(r"^\[GNUPG:\] (GOODSIG|BADSIG|NO_PUBKEY) (\S+) ?(.*)$", re.MULTILINE)


def remarks(medium: Medium, keyrings: Sequence[Path] | None = None) -> list[str]:
    """Return who has signed the suites of a disc, a remark for each; BuildError for a signature that is wrong."""
    known = list(_of_host()) if keyrings is None else keyrings
    releases = sorted(filter(_RELEASE.fullmatch, medium.files))
    return list(dict.fromkeys(_remark(medium, release, known) for release in releases))


def _of_host() -> Iterator[Path]:
    for directory in _KEYRINGS:
        yield from sorted(Path(directory).glob("*.gpg"))


def _remark(medium: Medium, release: str, keyrings: Sequence[Path]) -> str:
    signature = read(medium, f"{release}.gpg")
    if not signature:
        return "its Release is not signed: its packages are taken as they are; compare the checksum of the image"
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as place:
        files = [Path(place, "Release.gpg"), Path(place, "Release")]
        for file, name in zip(files, (f"{release}.gpg", release), strict=True):
            file.write_bytes(b"".join(medium.chunks(name)))
        options = [f"--keyring={keyring}" for keyring in keyrings]
        # Without a keyring of ours, gpgv takes one of this user.
        options = options or [f"--keyring={place}/none"]
        done = run(["gpgv", f"--homedir={place}", "--status-fd=1", *options, *files], check=False)
    said = {kind: (key, who) for kind, key, who in _STATUS.findall(done.stdout)}
    if "BADSIG" in said:
        raise BuildError(f"{medium.source}: the signature of {release} is wrong", hint="is this disc genuine?")
    if done.returncode == 0 and "GOODSIG" in said:
        return f"its Release is signed by {shown(said['GOODSIG'][1])}"
    key = said.get("NO_PUBKEY", ("", ""))[0]
    return f"its Release is signed by the key {key}, which this host does not have: compare the checksum of the image"
