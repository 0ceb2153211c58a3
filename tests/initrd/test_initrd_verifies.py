"""Real boots of roots that nodes check block by block or by a signature, and of what was tampered with of each."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest

from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.initrd.programs import add_programs, programs_for
from sbkernel.images.pack import verity
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import format_for
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

pytestmark = pytest.mark.e2e

REFUSED = "the node stays here with its power on"
LATER = """#!/bin/busybox sh
export PATH=/bin
exec >/dev/console 2>&1
/bin/busybox --install -s /bin
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
cat /run/systemd/system/sysinit.target.wants/sbkernel-watch.service
cat /padding >/dev/null || echo "ROOT READ ERROR"
/run/sbkernel/busybox sh /run/sbkernel/watch && echo "ROOT TOLD"
echo "ROOT DONE"
poweroff -f
"""


class Published:
    """A packed root with an initrd that can check it, as packimage would publish them."""

    def __init__(self, place: Path, tree: Path, initrd: Path, site: Site) -> None:
        self.site = site
        self.plain = initrd
        shutil.copytree(tree, place / "tree", symlinks=True)
        (place / "tree/sbin/later").write_text(LATER)
        (place / "tree/sbin/later").chmod(0o755)
        packed = format_for(PackOptions("erofs"))
        file = place / packed.file_name
        packed.pack(content_of(place / "tree", exclude=[], include=[]), file, NullReport())
        self.size_of_data = file.stat().st_size
        self.root_hash = verity.add(file)
        self.content = file.read_bytes()
        self.padding = self.content.index((place / "tree/padding").read_bytes()[40960:41000])
        self.verifying = place / "verifying"
        self.signing = place / "signing"
        add_programs(initrd, programs_for(["dmsetup"], Path("/nonexistent")), self.verifying)
        key = {signatures.KEY_FILE: keys.make(site).text}
        add_programs(initrd, programs_for(["dmsetup", "minisign"], Path("/nonexistent")), self.signing, files=key)
        facts = {"sha256": hashlib.sha256(self.content).hexdigest(), "size": len(self.content)}
        files = {"root.erofs": {**facts, "verity": self.root_hash}, "kernel": {"sha256": "0" * 64, "size": 1}}
        self.version = ImageVersion(place, {"digest": "abc", "image": "mine", "files": files})
        signatures.sign(site, self.version)


@pytest.fixture(scope="module")
def published(root_tree: Path, initrd: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    place = tmp_path_factory.mktemp("published")
    return Published(place, root_tree, initrd, Site.open(place / "site"))


Boot = Callable[..., Guest]


@pytest.fixture
def start(kernel: Path, published: Published, server: BootServer) -> Iterator[Boot]:
    """Return a function that boots a guest from an initrd; `wrong` are bytes of the root that somebody changed."""
    guests: list[Guest] = []
    for name in ("sums", "sums.sig"):
        server.files[f"/catalog/abc/{name}"] = (published.version.dir / name).read_bytes()

    def boot(initrd: Path, *, wrong: int | None = None, **changes: str | None) -> Guest:
        content = bytearray(published.content)
        if wrong is not None:
            content[wrong] ^= 1
        server.files["/catalog/abc/root.erofs"] = bytes(content)
        facts: dict[str, str | None] = {
            "imgurl": f"http://10.0.2.2:{server.port}/catalog/abc/root.erofs",
            "sbkernel.sha256": published.version.root_sha256,
            "sbkernel.size": str(len(content)),
            "sbkernel.verity": published.root_hash,
        }
        line = command_line(server, **{**facts, **changes})
        guests.append(Guest.from_files(kernel, initrd, line, memory_mb=256, network=None))
        return guests[-1]

    yield boot
    for guest in guests:
        guest.stop()


def test_a_signed_erofs_boots_and_is_checked_while_it_is_read(
    start: Boot, published: Published, server: BootServer
) -> None:
    console = start(published.signing, sbkernel__signed="yes").wait_for("ROOT DONE")
    assert "ROOT UP hostname=nobody marker=from-the-image" in console and "ROOT WRITABLE written" in console
    key = keys.known(published.site)[0].id
    assert f"signed with the key {key} of the site" in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]
    verified = server.post("verified")
    assert (verified["verity"], verified["signed"]) == (published.root_hash, key) and "sha256" not in verified


def test_all_roots_of_a_signed_stack_are_checked_while_they_are_read(
    start: Boot, published: Published, server: BootServer, tmp_path: Path
) -> None:
    """Layers are served under their sums, but the signature beside image.json; a layer left out is another image."""
    (tmp_path / "upper/etc").mkdir(parents=True)
    (tmp_path / "upper/etc/marker").write_text("from-the-layer")
    layer = tmp_path / "root.squashfs"
    format_for(PackOptions()).pack(content_of(tmp_path / "upper", exclude=[], include=[]), layer, NullReport())
    root_hash = verity.add(layer)
    facts = {"sha256": hashlib.sha256(layer.read_bytes()).hexdigest(), "size": layer.stat().st_size}
    files = {"root.0.erofs": published.version.data["files"]["root.erofs"], layer.name: {**facts, "verity": root_hash}}
    stack = {"digest": "abc", "image": "mine", "files": files, "roots": list(files)}
    signatures.sign(published.site, ImageVersion(tmp_path, stack))
    for name in ("sums", "sums.sig"):
        server.files[f"/catalog/abc/{name}"] = (tmp_path / name).read_bytes()
    bottom = f"/catalog/layers/{published.version.root_sha256}.erofs"
    server.files[bottom] = published.content
    server.files[f"/catalog/layers/{facts['sha256']}.squashfs"] = layer.read_bytes()
    url = f"http://10.0.2.2:{server.port}{bottom}"
    word = f"{layer.name},{facts['size']},{facts['sha256']},{root_hash}"
    console = start(published.signing, imgurl=url, sbkernel__layer=word).wait_for("ROOT DONE")
    assert "ROOT UP hostname=nobody marker=from-the-layer" in console and "verified layer" not in console
    assert console.count("verity: sha256 using implementation") == 2
    start(published.signing, imgurl=url).wait_for(REFUSED)
    assert server.post("failed")["reason"] == "the image that was signed is another one"


def test_without_dm_verity_the_sum_is_made_and_a_wrong_one_is_refused(
    start: Boot, published: Published, server: BootServer
) -> None:
    console = start(published.plain, wrong=published.padding).wait_for(REFUSED)
    assert "dm-verity cannot check the root: the initrd has no dmsetup. Its sha256 is made instead" in console
    assert f"expected  sha256 {published.version.root_sha256}" in console
    assert server.post("failed")["reason"] == "the root image is not the one that was published"


def test_a_wrong_superblock_is_refused_when_it_is_mounted(
    start: Boot, published: Published, server: BootServer
) -> None:
    console = start(published.verifying, wrong=1200).wait_for(REFUSED)
    assert "reason    the root image is not the one that was published" in console
    assert "problem   dm-verity: data block 0 is corrupted" in console
    assert server.stages() == ["initrd", "fetched", "verified", "failed"]
    assert server.post("failed")["reason"] == "the root image is not the one that was published"


def test_a_wrong_block_that_is_read_later_is_an_error_and_the_server_learns_of_it(
    start: Boot, published: Published, server: BootServer
) -> None:
    console = start(published.verifying, wrong=published.padding, init="/sbin/later").wait_for("ROOT DONE")
    assert "Input/output error" in console and "ROOT READ ERROR" in console and "ROOT TOLD" in console
    assert "ExecStart=/run/sbkernel/busybox sh /run/sbkernel/watch" in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted", "failed"]
    block = published.padding // verity.BLOCK
    said = f"the root image is not the one that was published: dm-verity: data block {block} is corrupted"
    assert server.post("failed")["reason"] == said


def test_a_wrong_signature_is_refused_before_anything_is_fetched(
    start: Boot, published: Published, server: BootServer
) -> None:
    server.files["/catalog/abc/sums"] = server.files["/catalog/abc/sums"].replace(b"kernel 0", b"kernel 1")
    console = start(published.signing, sbkernel__signed=None).wait_for(REFUSED)
    assert "reason    the signature of the image is wrong" in console
    assert "problem   Signature verification failed" in console
    assert server.stages() == ["initrd", "failed"]
    assert "/catalog/abc/root.erofs" not in [path for path, _ in server.requests]


def test_no_word_of_the_command_line_makes_an_unsigned_image_good(
    start: Boot, published: Published, server: BootServer
) -> None:
    del server.files["/catalog/abc/sums.sig"]
    start(published.signing, sbkernel__signed=None, sbkernel__retries="1").wait_for(REFUSED)
    assert server.post("failed")["reason"] == "the image has no signature"


def test_a_command_line_that_names_another_root_is_refused(
    start: Boot, published: Published, server: BootServer
) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    console = start(published.signing, sbkernel__sha256=other, sbkernel__verity=None).wait_for(REFUSED)
    assert "reason    the image that was signed is another one" in console
    assert f"asked for image abc;root {other} {len(published.content)} -;" in console
    assert server.post("failed")["reason"] == "the image that was signed is another one"


def test_an_initrd_without_the_key_does_not_boot_what_is_signed(
    start: Boot, published: Published, server: BootServer
) -> None:
    start(published.verifying, sbkernel__signed="4B87C59320B2449A").wait_for(REFUSED)
    assert server.post("failed")["reason"] == "the image is signed, but its initrd has no key to check that"
