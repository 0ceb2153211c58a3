"""What image.json says under `made`: who built an image and who packed it, with what, from which files.

It is no part of the digest. Two builds that come to the same are one version, whose image.json names who made it
first; that somebody made it again is in the history of the image's name (catalog/pointers.py).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sbkernel.definitions.attributes import attributes_of
from sbkernel.images.provenance.builder import builder
from sbkernel.images.provenance.gitstate import git_states, without_login
from sbkernel.jobs import origin
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.sbom.facts import identity

GENIMAGE, PACKIMAGE = "genimage", "packimage"
PROVENANCE = "provenance"
"""Where the record of a build keeps what packimage passes on."""
_PACKED_BY = {"erofs": "mkfs.erofs", "tar": "tar"}
"""Methods of packimage whose work other programs do, beside those that compress."""


def run_facts(
    programs: Iterable[str], lists: Sequence[Path], *, libraries: Mapping[str, str] = MappingProxyType({}), **more: Any
) -> dict[str, Any]:
    """Return who runs a verb now, with which programs, and the state of the lists and scripts that it reads.

    `libraries` are those that do the work of programs, with their versions.
    """
    return {**origin.signed(), **more, "builder": builder(programs, libraries), "lists": list_states(lists)}


def list_states(files: Iterable[Path]) -> list[dict[str, Any]]:
    """Return path, sha256 and, in a git work tree, the git state of each file.

    sha256 is "" of one that is gone, and of one that not everybody may read: what it holds could be found by trying.
    """
    paths = list(dict.fromkeys(files))
    git = git_states(paths)
    return [
        {"path": str(path), "sha256": _sha256(path), **({"git": dict(git[path])} if path in git else {})}
        for path in paths
    ]


def public(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of an osimage as everybody may read them: no secret, no login, no value of environvar."""
    known = attributes_of("osimage")
    shown = {name: value for name, value in attributes.items() if not (name in known and known[name].secret)}
    hidden = {name: _names_only(shown[name]) for name in ("environvar",) if name in shown}
    return {name: without_login(value) for name, value in sorted({**shown, **hidden}.items())}


def programs_of(described: Mapping[str, Any]) -> list[str]:
    """Return the programs that pack a root as a format describes itself."""
    method, compression = str(described.get("method", "")), str(described.get("compression", ""))
    if method in ("cpio", "tar") and compression:
        return [*filter(None, [_PACKED_BY.get(method)]), compression]
    return [*filter(None, [_PACKED_BY.get(method)])]


def contents(manifest: Manifest, sha256: str) -> dict[str, Any]:
    """Return how manifest and SBOM are named.

    The SBOM is no file: `sb sbom` makes the same bytes from the manifest at any time, and its serial number is known.
    Only that of a manifest that does not say when the image was made depends on when it was published.
    """
    serial = {"serial": identity(manifest).urn} if manifest.made else {}
    return {"manifest": {"file": "manifest.json", "sha256": sha256}, "sbom": {"from": "manifest.json", **serial}}


def _names_only(environvar: str) -> str:
    return ",".join(f"{pair.partition('=')[0].strip()}=***" for pair in environvar.split(",") if pair.strip())


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            readable = os.fstat(stream.fileno()).st_mode & stat.S_IROTH
            return hashlib.file_digest(stream, "sha256").hexdigest() if readable else ""
    except OSError:
        return ""
