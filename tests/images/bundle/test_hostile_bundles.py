"""Nothing in a bundle is believed: each lie is told as such, and nothing is written but what was checked."""

import contextlib
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bundles import IMAGE, Change, Sites, define, everything, rewritten
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from smallimage import leftovers

from sbkernel.errors import BuildError, SbkernelError
from sbkernel.images.bundle.description import as_json, summed
from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import content_digest
from sbkernel.site import Site

ROOT = "sbkernel-image/version/root.squashfs"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    place = tmp_path_factory.mktemp("sites")
    with Site.open(place / "here") as here, Site.open(place / "there") as there:
        define(here)
        yield Sites(here, there)


@pytest.fixture(scope="module")
def bundle(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert sites.version
    return Path(export_image(sites.here, IMAGE, tmp_path_factory.mktemp("bundle") / "lab.tar")["file"])


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def before_root(*more: tarfile.TarInfo) -> Change:
    return lambda info, content: [*((one, b"") for one in more if info.name == ROOT), (info, content)]


def instead_of(name: str, *others: tuple[tarfile.TarInfo, bytes]) -> Change:
    return lambda info, content: list(others) if info.name == name else [(info, content)]


def changed(name: str, change: Callable[[bytes], bytes]) -> Change:
    return lambda info, content: [(info, change(content) if info.name == name else content)]


def in_json(name: str, **more: object) -> Change:
    return changed(f"sbkernel-image/{name}", lambda text: as_json(summed({**json.loads(text), **more})))


def lists_at(path: str) -> Change:
    def change(text: bytes) -> bytes:
        said = json.loads(text)
        return as_json(summed({**said, "lists": [{**one, "path": path} for one in said["lists"]]}))

    return changed("sbkernel-image/bundle.json", change)


def lists_with(**more: object) -> Change:
    """Lie about the first list, and call its member so."""

    def change(info: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.name == "sbkernel-image/bundle.json":
            said = json.loads(content)
            first, *rest = said["lists"]
            content = as_json(summed({**said, "lists": [{**first, **more}, *rest]}))
        return [(info, content)]

    return change


def in_image(**more: object) -> Change:
    """Lie in image.json with a digest that fits."""

    def change(text: bytes) -> bytes:
        said = {**json.loads(text), **more}
        return as_json({**said, "digest": content_digest(said)})

    return changed("sbkernel-image/image.json", change)


OSIMAGE = {"osvers": "debian12", "imagetype": "linux", "pkglist": "/x/a.pkglist"}
FACTS = {"sha256": "0" * 64, "size": 1}
WHOLE = {"kernel": FACTS, "initrd": FACTS, "manifest.json": FACTS, "root.squashfs": FACTS}
LIES: dict[str, tuple[Change, str]] = {
    "a path upwards": (before_root(member("../../evil")), "leads out of it"),
    "a path in the middle": (before_root(member("sbkernel-image/version/../../evil")), "leads out of it"),
    "an absolute path": (before_root(member("/etc/evil")), "leads out of it"),
    "a symbolic link": (before_root(member("sbkernel-image/version/k", tarfile.SYMTYPE, "/etc/passwd")), "symbolic"),
    "a link in place of the root": (instead_of(ROOT, (member(ROOT, tarfile.SYMTYPE, "/etc/passwd"), b"")), "symbolic"),
    "a hard link": (instead_of(ROOT, (member(ROOT, tarfile.LNKTYPE, "/etc/passwd"), b"")), "hard link"),
    "a device": (before_root(member("sbkernel-image/version/sda", tarfile.BLKTYPE)), "device"),
    "a directory": (before_root(member("sbkernel-image/version/d", tarfile.DIRTYPE)), "directory"),
    "an unknown file": (before_root(member("sbkernel-image/version/more")), "not what image.json"),
    "image.json twice": (before_root(member("sbkernel-image/version/image.json")), "not what image.json"),
    "a file twice": (before_root(member("sbkernel-image/version/kernel")), "comes twice"),
    "a file elsewhere": (before_root(member("elsewhere/kernel")), "no bundle has"),
    "another root": (changed(ROOT, lambda root: root[:-1] + b"!"), "another sha256"),
    "a longer root": (changed(ROOT, lambda root: root + b"!"), "not what image.json"),
    "no root": (instead_of(ROOT), "it lacks root.squashfs"),
    "another list": (changed("sbkernel-image/lists/pkglist.1", lambda text: text + b"evil\n"), "another sha256"),
    "another digest": (in_json("image.json", kernelver="9"), "its digest is another one"),
    "another image": (in_json("bundle.json", image="other"), "different versions"),
    "another command line": (
        changed("sbkernel-image/bundle.json", lambda text: text.replace(b"quiet", b"debug")),
        "was changed",
    ),
    "another format": (in_json("bundle.json", format=3), "format 3"),
    "no json": (changed("sbkernel-image/bundle.json", lambda _: b"{"), "cannot be read"),
    "deep json": (changed("sbkernel-image/bundle.json", lambda _: b"[" * 200_000), "cannot be read"),
    "a list of json": (changed("sbkernel-image/image.json", lambda _: b"[]"), "no description"),
    "an image name that is a path": (in_image(image="../../evil"), "invalid"),
    "a file name that is a path": (in_image(files={**WHOLE, "../evil": FACTS}), "does not describe an image"),
    "a negative size": (in_image(files={**WHOLE, "kernel": {**FACTS, "size": -1}}), "does not describe"),
    "a version without initrd": (in_image(files={**WHOLE, "initrd": None}), "does not describe an image"),
    "no kernel": (in_image(files={k: v for k, v in WHOLE.items() if k != "kernel"}), "has no kernel"),
    "roots that are not there": (in_image(roots=["root.none"], files=WHOLE), "has no root.none"),
    "a root hash that is a boot script": (
        in_image(files={**WHOLE, "root.squashfs": {**FACTS, "verity": "0\nchain http://evil/"}}), "does not describe"),
    "a key that is words of the command line": (in_image(key="0 init=/bin/sh"), "cannot be of key"),
    "a size in memory that is none": (in_image(unpacked="much"), "cannot be of unpacked"),
    "a time that is none": (in_image(created="today"), "cannot be of created"),
    "a time that no calendar has": (in_image(created=float("inf")), "cannot be of created"),
    "a time after the year 9999": (in_image(created=1 << 39), "cannot be of created"),
    "a history that is no mapping": (in_image(made=[1]), "cannot be of made"),
    "roots over each other, not in layers": (
        in_image(roots=["root.squashfs", "root.1"], files={**WHOLE, "root.1": FACTS}), "not packed in layers"),
    "an osimage of numbers": (in_json("bundle.json", osimage={"osvers": 12}), "does not describe an osimage"),
    "an unknown attribute": (in_json("bundle.json", osimage={"osvers": "debian12", "evil": "1"}), "evil"),
    "a control character": (in_json("bundle.json", osimage={"osvers": "debian12", "addkcmdline": "a\nb"}), "control"),
    "a list that is a path": (lists_with(attribute="../../evil"), "does not describe its lists"),
    "a list that nobody names": (lists_with(number=7), "has no sbkernel-image/lists/pkglist.7|not those that"),
    "a list that is missing": (in_json("bundle.json", osimage=OSIMAGE, lists=[]), "not those that its osimage names"),
    "a list without a place": (in_json("bundle.json", lists=[{"path": "/x"}]), "does not describe its lists"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_and_nothing_written(lie: str, sites: Sites, bundle: Path, tmp_path: Path) -> None:
    change, said = LIES[lie]
    before = everything(sites.there)
    with pytest.raises(SbkernelError, match=said):
        import_image(sites.there, rewritten(bundle, change))
    assert everything(sites.there) == before
    assert leftovers(sites.there.catalog) == []
    assert IMAGE not in sites.there.osimages
    assert not list(tmp_path.parent.rglob("evil"))


@pytest.mark.parametrize(
    "path", ["/etc/cron.d/evil", "{installdir}/postscripts/_ssh/authorized_keys", "{installdir}/custom/../../evil"]
)
def test_lists_go_to_no_other_place(path: str, bundle: Path, tmp_path: Path) -> None:
    only = changed(
        "sbkernel-image/bundle.json", lambda text: lists_at(path)(member("sbkernel-image/bundle.json"), text)[0][1]
    )
    with Site.open(tmp_path / "site") as site:
        import_image(site, rewritten(bundle, only))
        laid = {name for name in everything(site) if name.startswith("install/") and "_ssh" not in name}
        assert {Path(name).parent for name in laid} == {Path("install/custom/netboot/debian")}
        assert not (tmp_path / "evil").exists()


def test_a_huge_size_is_refused_before_a_byte_is_written(sites: Sites, bundle: Path) -> None:
    said: dict[str, object] = {}

    def change(info: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.name == "sbkernel-image/image.json":
            huge = {**WHOLE, "root.squashfs": {**FACTS, "size": 1 << 60}}
            content = in_image(files=huge)(info, content)[0][1]
            said.update({"image.json": hashlib.sha256(content).hexdigest(), "digest": json.loads(content)["digest"]})
        return [(info, content)]

    huge = rewritten(bundle, change).rename(bundle.with_name("huge.tar"))
    with pytest.raises(BuildError, match="are free on the disk"):
        import_image(sites.there, rewritten(huge, in_json("bundle.json", **said)))
    assert leftovers(sites.there.catalog) == []


def test_a_header_that_is_all_name(sites: Sites, tmp_path: Path) -> None:
    info = member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    info.size = 1 << 33
    (tmp_path / "long.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(BuildError, match="a name of 8589934592 bytes"):
        import_image(sites.there, tmp_path / "long.tar")


def test_every_truncation_is_told(sites: Sites, bundle: Path, tmp_path: Path) -> None:
    data = bundle.read_bytes()
    short = tmp_path / "short.tar"
    for length in (0, 1, 511, 512, 1000, 5000, len(data) // 2, len(data) - 2000, len(data) - 1024):
        short.write_bytes(data[:length])
        with pytest.raises(BuildError, match=r"truncated|no tar|no bundle"):
            import_image(sites.there, short)
    assert Catalog(sites.there).versions() == []
    assert leftovers(sites.there.catalog) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_byte_is_never_taken(sites: Sites, bundle: Path, tmp_path: Path, data: st.DataObject) -> None:
    """A bundle with any byte changed is refused, unless it only fills a block or a field of tar."""
    original = bundle.read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    bad = tmp_path / "bad.tar"
    bad.write_bytes(original[:at] + bytes([original[at] ^ data.draw(st.integers(1, 255))]) + original[at + 1 :])
    with contextlib.suppress(SbkernelError):
        import_image(sites.there, bad)
        # Behind the checksum of a header stands a blank that nobody reads (tar(5)).
        assert original[at] == 0 or (at % 512 == 155 and original[at - 1 : at + 1] == b"\0 ")
        assert Catalog(sites.there).find(f"{IMAGE}@candidate").damaged() == []
        sites.there.delete("osimage", IMAGE)
        shutil.rmtree(sites.there.catalog)
    assert Catalog(sites.there).versions() == []


def test_what_is_no_bundle(sites: Sites, tmp_path: Path) -> None:
    for content in (b"", b"#!/bin/sh\n" * 100, bytes(4096), io.BytesIO().read()):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(BuildError):
            import_image(sites.there, tmp_path / "x")
