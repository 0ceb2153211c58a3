"""Real boots of a root with layers over it: what the node sees, and that no layer is used that was not published."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest

from sbkernel.images.initrd.programs import add_programs, programs_for
from sbkernel.images.pack import verity
from sbkernel.images.pack.content import Content, content_of
from sbkernel.images.pack.difference import difference
from sbkernel.images.pack.listing import Listing, parsed
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.jobs.report import NullReport

pytestmark = pytest.mark.e2e
Boot = Callable[..., Guest]
SAY = 'echo "ROOT STACK $(cat /etc/marker /etc/new) gone=$(ls /etc/gone /old 2>&1 | grep -c "No such")"\n'


@pytest.fixture(scope="module")
def roots(root_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The root and two layers: what each changes, adds and takes away must be seen together."""
    place = tmp_path_factory.mktemp("layers")
    tree = place / "tree"
    shutil.copytree(root_tree, tree, symlinks=True)
    (tree / "old").mkdir()
    for name in ("old/file", "etc/gone"):
        (tree / name).write_text("x")
    init = tree / "sbin/init"
    init.write_text(init.read_text().replace('echo "ROOT DONE"\n', f'{SAY}echo "ROOT DONE"\n'))
    packed, below = [], pack(place / "root", content(tree), None)
    packed.append(below[0])
    (tree / "etc/marker").write_text("from-the-first-layer")
    shutil.rmtree(tree / "old")
    below = pack(place / "first", content(tree), below[1])
    packed.append(below[0])
    (tree / "etc/new").write_text("and-the-second")
    (tree / "etc/gone").unlink()
    packed.append(pack(place / "second", content(tree), below[1])[0])
    return packed


def content(tree: Path) -> Content:
    return content_of(tree, exclude=[], include=[])


def pack(file: Path, whole: Content, below: Listing | None) -> tuple[bytes, Listing]:
    now = parsed(whole.content_list().lines)
    Squashfs().pack(whole if below is None else whole.layer(difference(below, now)), file, NullReport())
    return file.read_bytes(), now


@pytest.fixture(scope="module")
def checked(roots: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, str]]:
    """The same roots with hash trees, and their root hashes."""
    file, found = tmp_path_factory.mktemp("checked") / "root", []
    for root in roots:
        file.write_bytes(root)
        root_hash = verity.add(file)
        found.append((file.read_bytes(), root_hash))
    return found


def words(server: BootServer, roots: list[bytes]) -> list[str]:
    """Serve the roots; return the words of the layers."""
    for number, root in enumerate(roots):
        name = "root.squashfs" if number == 0 else f"{hashlib.sha256(root).hexdigest()}.squashfs"
        server.files[f"/catalog/abc/{name}"] = root
    return [f"root.{number}.squashfs,{len(one)},{hashlib.sha256(one).hexdigest()}" for number, one in enumerate(roots)]


def test_boots_into_what_the_layers_make_of_the_root(boot: Boot, server: BootServer, roots: list[bytes]) -> None:
    _, first, second = words(server, roots)
    console = boot(sbkernel__layer=f"{first} sbkernel.layer={second}").wait_for("ROOT DONE")
    assert "ROOT STACK from-the-first-layerand-the-second gone=2" in console
    assert "ROOT WRITABLE written" in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]
    assert server.post("fetched")["bytes"] == str(sum(map(len, roots)))


def test_refuses_a_tampered_layer(boot: Boot, server: BootServer, roots: list[bytes]) -> None:
    _, first, second = words(server, roots)
    published = hashlib.sha256(roots[2]).hexdigest()
    tampered = bytearray(roots[2])
    tampered[len(tampered) // 2] ^= 1
    server.files[f"/catalog/abc/{published}.squashfs"] = bytes(tampered)
    guest = boot(sbkernel__layer=f"{first} sbkernel.layer={second}")
    console = guest.wait_for("the node stays here with its power on")
    assert "reason    layer 2 of 2 over the root is not the one that was published" in console
    assert f"expected  sha256 {published}" in console
    assert f"got       sha256 {hashlib.sha256(tampered).hexdigest()}" in console
    assert server.stages() == ["initrd", "fetched", "failed"]
    assert server.post("failed")["reason"] == "layer 2 of 2 over the root is not the one that was published"
    assert "ROOT UP" not in guest.console


@pytest.mark.parametrize("tampered", [False, True])
def test_dm_verity_checks_each_layer_for_itself(
    kernel: Path, initrd: Path, server: BootServer, checked: list[tuple[bytes, str]], tmp_path: Path, tampered: bool
) -> None:
    add_programs(initrd, programs_for(["dmsetup"], Path("/nonexistent")), tmp_path / "initrd")
    contents, hashes = map(list, zip(*checked, strict=True))
    _, *layers = words(server, contents)
    named = [f"sbkernel.layer={word},{root_hash}" for word, root_hash in zip(layers, hashes[1:], strict=True)]
    if tampered:
        path = f"/catalog/abc/{hashlib.sha256(contents[2]).hexdigest()}.squashfs"
        server.files[path] = contents[2][:8] + bytes([contents[2][8] ^ 1]) + contents[2][9:]
    line = " ".join([command_line(server, sbkernel__verity=hashes[0]), *named])
    guest = Guest.from_files(kernel, tmp_path / "initrd", line, memory_mb=256, network=None)
    try:
        if tampered:
            console = guest.wait_for("the node stays here with its power on")
            assert "problem   dm-verity: data block 0 is corrupted" in console
            reason = "layer 2 of 2 over the root is not the one that was published"
            assert f"reason    {reason}" in console and server.post("failed")["reason"] == reason
        else:
            console = guest.wait_for("ROOT DONE")
            assert "ROOT STACK from-the-first-layerand-the-second gone=2" in console and "verified" not in console
    finally:
        guest.stop()
