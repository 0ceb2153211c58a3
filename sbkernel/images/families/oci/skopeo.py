"""Ask skopeo which container image a reference means now, and have it and umoci unpack that one.

Who may read from a registry is in the containers' own auth file (containers-auth.json(5)), which skopeo reads itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sbkernel.architectures import architecture
from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made
from sbkernel.images.families.oci.reference import Reference
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SAID = re.compile(r'level=fatal msg="(.*)"$', re.MULTILINE)
_GONE = re.compile(r"manifest unknown|no such file|no descriptor found|NAME_UNKNOWN|not found in", re.IGNORECASE)
_DENIED = re.compile(r"unauthorized|authentication required|denied", re.IGNORECASE)
_TLS = re.compile(r"HTTP response to HTTPS client|x509:|tls:", re.IGNORECASE)
_SEVERAL = re.compile(r"more than one image")
_SILENT = re.compile(
    r"connection refused|no such host|timeout|unreachable|reset by peer|server misbehaving|EOF", re.IGNORECASE
)
_POLICY = re.compile(r"policy")


class UnreachableError(BuildError):
    """A registry does not answer."""


class GoneElsewhereError(BuildError):
    """There is another container image at a reference than the one that was resolved."""


@dataclass(frozen=True)
class Described:
    """What a reference means now: digest of the manifest, architecture as Go has it, when it was made (seconds)."""

    digest: str
    architecture: str
    created: int


def describe(reference: Reference, osarch: str, at: str = "") -> Described:
    """Return what a reference means now for an architecture; BuildError where that cannot be found out."""
    words = ["inspect", "--no-tags", *_tls(reference, "--tls-verify"), at or str(reference)]
    said = _skopeo(reference, osarch, words)
    try:
        data: Mapping[str, Any] = json.loads(said)
        digest, created = str(data["Digest"]), str(data.get("Created") or "")
        when = int(datetime.fromisoformat(re.sub(r"\.\d+", "", created)).timestamp()) if created else 0
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"skopeo says nothing that can be read of {reference}: {error}") from None
    if not _DIGEST.fullmatch(digest):
        raise BuildError(f"{reference} has no digest of sha256: {digest!r}")
    return Described(digest, str(data.get("Architecture", "")), max(0, when))


def unpack(reference: Reference, digest: str, osarch: str, tree: Path, report: Report) -> int:
    """Unpack exactly the container image of a digest into a new directory; return when it was made (seconds).

    Layers are put one over the other, whiteouts taken into account; owners, attributes and hard links are kept.
    GoneElsewhereError when the reference means another one by now.
    """
    layout = tree.with_name("layout")
    remove_tree(layout)
    try:
        source = reference.at(digest)
        words = ["copy", *_tls(reference, "--src-tls-verify"), "--dest-compress-format", "gzip", source]
        report.log(f"fetch the container image {source}")
        _skopeo(reference, osarch, [*words, f"oci:{made(layout)}/image:base"], report)
        # A directory or a file may have been replaced; what a registry has under a digest is that.
        now = describe(reference, osarch, source)
        if now.digest != digest:
            raise GoneElsewhereError(f"{reference} is not {digest} any more, but {now.digest}")
        report.log("unpack its layers")
        # umoci takes everything behind the first colon for the tag.
        try:
            run(
                ["umoci", "raw", "unpack", "--image", "image:base", tree], cwd=layout, on_line=report.log, isolated=True
            )
        except CommandError as error:
            raise BuildError(f"{reference} cannot be unpacked:\n{error.tail}") from error
        return now.created
    finally:
        remove_tree(layout)


def _skopeo(reference: Reference, osarch: str, words: list[str], report: Report | None = None) -> str:
    free = [] if reference.check else ["--insecure-policy"]
    argv = ["skopeo", *free, "--override-os", "linux", "--override-arch", architecture(osarch).container, *words]
    try:
        return run(argv, on_line=report.log if report else None).stdout
    except CommandError as error:
        raise _explained(reference, error) from error


def _tls(reference: Reference, option: str) -> list[str]:
    return [] if reference.tls else [f"{option}=false"]


def _explained(reference: Reference, error: CommandError) -> BuildError:
    found = _SAID.findall(error.tail)
    said = found[-1].replace('\\"', '"') if found else error.tail
    kind = UnreachableError if reference.remote and _SILENT.search(said) else BuildError
    return kind(f"the container image {reference} cannot be read: {said}", hint=_remedy(reference, said))


def _remedy(reference: Reference, said: str) -> str:
    if _SEVERAL.search(said):
        return f"there are several: {', '.join(_tags(reference)) or 'give it a tag'}; write one after the colon"
    if reference.remote and _TLS.search(said):
        return "write tlsverify=0 after the reference to trust this registry without TLS"
    if reference.remote and _DENIED.search(said):
        return "log in once, as the user who builds: skopeo login HOST; or correct the name"
    if _GONE.search(said):
        tags = _tags(reference)
        return f"it has {', '.join(tags)}" if tags else "correct pkgdir"
    if _POLICY.search(said):
        return "the host's containers/policy.json decides; gpgcheck=0 after the reference passes it by"
    return "correct pkgdir, or check the network"


def _tags(reference: Reference) -> list[str]:
    """Return the tags in a layout."""
    try:
        data = json.loads((Path(reference.place) / "index.json").read_text())
        names = (one.get("annotations", {}).get("org.opencontainers.image.ref.name") for one in data["manifests"])
        return sorted(filter(None, names))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
