"""An OCI archive of a version: a container whose root is the image's, with the bundle as its bottom layer.

A second layer takes the bundle away (a whiteout), so that a container sees the root alone. skopeo, podman and umoci
carry all layers along; they may compress the bundle, but not change what is in it. The root's layer is what a node
would mount, so that no tree is needed. (OCI image-spec v1: layout, layer, config.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

from sbkernel.architectures import architecture
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.bundle import ours, tarfiles
from sbkernel.images.bundle.description import PLACE, Description, as_json
from sbkernel.images.bundle.tarfiles import BLOCK, END, PIECE, directory, header, padding
from sbkernel.images.catalog.reference import short
from sbkernel.images.catalog.version import ImageVersion, Root
from sbkernel.images.pack.compressors import COMPRESSORS, ENVIRONMENT
from sbkernel.images.pack.formats import format_of
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.images.pack.stream import decompressed
from sbkernel.images.pack.tar import Tar
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import PIPE, end
from sbkernel.jobs.spawn import spawn_here
from sbkernel.units import size

LABEL = "org.sbkernel.image"
"""What labels of the container begin with: .name, .digest, and .layers, their number."""
_TYPE = "application/vnd.oci.image"
_LEVEL = 1
"""Level 6 takes three times as long (14.6 s instead of 4.8 s of processor time for 300 MB) and saves a tenth."""
_HIDDEN = header(f".wh.{PLACE}", 0) + END


@dataclass
class Sum:
    """A sink that sums and counts what passes on to another one."""

    out: ours.Sink
    count: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> int:
        """Take bytes."""
        self._digest.update(data)
        self.out.write(data)
        self.count += len(data)
        return len(data)

    @property
    def digest(self) -> str:
        """Return the sha256 so far, as OCI writes it."""
        return f"sha256:{self._digest.hexdigest()}"


@dataclass(frozen=True)
class Layer:
    """A layer that was written: its descriptor, and the sum of its tar before it was compressed."""

    descriptor: Mapping[str, Any]
    diff_id: str


class Layout:
    """An OCI layout that grows in a tar file; a blob gets its name, which is its sum, when it is whole."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        out.write(directory("blobs") + directory("blobs/sha256"))

    def file(self, name: str, content: bytes) -> None:
        """Write a file."""
        self._out.write(header(name, len(content)) + content + padding(len(content)))

    def text(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write a description as a blob; return its descriptor."""
        with self.blob(f"{kind}+json") as (sink, descriptor):
            sink.write(as_json(data))
        return descriptor

    @contextmanager
    def blob(self, kind: str) -> Iterator[tuple[Sum, dict[str, Any]]]:
        """Write a blob for a block, and fill in its descriptor at the end."""
        begin = self._out.tell()
        self._out.write(bytes(BLOCK))
        sink, descriptor = Sum(self._out), dict[str, Any]()
        yield sink, descriptor
        self._out.write(padding(sink.count))
        after = self._out.tell()
        self._out.seek(begin)
        self._out.write(header(f"blobs/{sink.digest.replace(':', '/')}", sink.count))
        self._out.seek(after)
        descriptor |= {"mediaType": f"{_TYPE}.{kind}", "digest": sink.digest, "size": sink.count}


def write(
    out: BinaryIO, described: Description, version: ImageVersion, members: Sequence[ours.Part], report: Report
) -> list[str]:
    """Write an OCI archive around a bundle; return remarks. BuildError for a root that cannot become a layer."""
    readers = [_tar_argv(version.dir / root.name, root) for root in version.roots]
    layout = Layout(out)
    layers = []
    with layout.blob("layer.v1.tar") as (sink, descriptor):
        ours.write(sink, members, report)
    layers += [Layer(descriptor, descriptor["digest"])]
    with layout.blob("layer.v1.tar") as (sink, descriptor):
        sink.write(_HIDDEN)
    layers += [Layer(descriptor, descriptor["digest"])]
    for root, argv in zip(version.roots, readers, strict=True):
        layers.append(_root_layer(layout, version.dir / root.name, argv, report, upper=root != version.roots[0]))
    config = layout.text("config.v1", _config(described, layers))
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.manifest.v1+json",
        "config": config,
        "layers": [layer.descriptor for layer in layers],
    }
    entry = layout.text("manifest.v1", manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": reference(described.image, described.digest)}
    layout.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    layout.file("index.json", as_json({"schemaVersion": 2, "manifests": [entry]}))
    out.write(END)
    return []


def reference(image: str, digest: str) -> str:
    """Return what the container is called: small letters, and the beginning of the digest as its tag."""
    return f"{re.sub('[^a-z0-9]+', '-', image.lower()).strip('-') or 'image'}:{short(digest)}"


def _config(described: Description, layers: Sequence[Layer]) -> dict[str, Any]:
    osarch = (described.osimage or {}).get("osarch", "x86_64")
    created = datetime.fromtimestamp(int(described.data.get("created", 0)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        f"{LABEL}.name": described.image,
        f"{LABEL}.digest": described.digest,
        f"{LABEL}.layers": str(len(layers)),
    }
    said = ["the bundle", "without the bundle", *("root" for _ in layers[2:])]
    return {
        "architecture": architecture(osarch).container,
        "os": "linux",
        "created": created,
        "config": {"Cmd": ["/bin/sh"], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": created, "created_by": f"sb export-image: {what}"} for what in said],
    }


def _root_layer(layout: Layout, file: Path, argv: Sequence[str], report: Report, *, upper: bool) -> Layer:
    with (
        report.phase("write a root as a layer"),
        layout.blob("layer.v1.tar+gzip") as (sink, descriptor),
        decompressed(file, argv) as tar,
        compressed(sink) as packing,
    ):
        whole = Sum(packing)
        for piece in _whiteouts(tar) if upper else iter(lambda: tar.read(PIECE), b""):
            whole.write(piece)
            report.progress(whole.count, None, size(whole.count))
    return Layer(descriptor, whole.digest)


def _whiteouts(source: IO[bytes]) -> Iterator[bytes]:
    """Yield a tar with the whiteouts of overlayfs, devices 0/0, as those of OCI: a file .wh.NAME beside NAME."""
    for member in (tar := tarfiles.Tar("a packed root", source)):
        if member.kind == "device" and member.device == (0, 0):
            above, _, name = member.name.rpartition("/")
            yield header(f"{above}/.wh.{name}".removeprefix("/"), 0)
            continue
        yield member.raw
        yield from tar.chunks()
        yield padding(member.size)
    yield END


@contextmanager
def compressed(sink: ours.Sink) -> Iterator[IO[bytes]]:
    """Yield a file; what is written to it goes to `sink` compressed, the same bytes with any number of threads."""
    argv = COMPRESSORS["pigz"].argv(_LEVEL)
    process = spawn_here(argv, env=ENVIRONMENT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        with ThreadPoolExecutor(1) as beside:
            assert process.stdin is not None  # noqa: S101 - asked for above
            passing = beside.submit(_pass, process.stdout, sink)
            try:
                yield process.stdin
            finally:
                process.stdin.close()
            passing.result()
        if process.wait():
            raise CommandError(argv, process.returncode, "")
    finally:
        end(process)


def _pass(source: IO[bytes] | None, sink: ours.Sink) -> None:
    while source is not None and (piece := source.read(PIECE)):
        sink.write(piece)


def _tar_argv(file: Path, root: Root) -> list[str]:
    """Return the command that writes a packed root as a tar archive."""
    packed = format_of(file)
    if isinstance(packed, Squashfs):
        return ["sqfs2tar", str(file)]
    if isinstance(packed, Tar):
        return packed.compressor.undo_argv()
    raise BuildError(
        f"{root.name} cannot be made a layer of a container",
        hint="pack it so: sb packimage -m squashfs; or export a bundle",
    )
