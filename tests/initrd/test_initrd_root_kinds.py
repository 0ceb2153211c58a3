"""Real boots of the kinds of root that are unpacked on the node, with all that the files of a stack of roots have."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bootserver import BootServer, command_line
from guest import Guest
from packedroot import initrd_for, packed

pytestmark = pytest.mark.e2e
Boot = Callable[..., Guest]
SAY = """echo "ROOT TYPE $(stat -f -c %T /) $(grep -c /run/sbkernel/image /proc/mounts) $(losetup -a | wc -l)"
echo "ROOT LINKS $(stat -c %h /etc/one) $(cat /etc/two) $(cat /etc/marker) gone=$([ -e /etc/gone ] || echo 1)"
echo "ROOT CAPS $(su nobody -s /bin/sh -c '/bin/busybox-able grep CapEff /proc/self/status')"
rm /padding /bin/busybox-able && echo "ROOT REMOVED"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture(scope="module")
def able(kernel_tree: Path, kernelver: str, place: Path) -> Path:
    """An initrd for the kinds."""
    return initrd_for(["tmpfs", "zram"], kernel_tree, kernelver, place)


@pytest.fixture(scope="module")
def roots(root_tree: Path, place: Path) -> list[tuple[bytes, str]]:
    """A root and a layer over it with what only some programs copy; each with its root hash."""
    tree = place / "tree"
    shutil.copytree(root_tree, tree, symlinks=True)
    (tree / "etc/one").write_text("linked")
    (tree / "etc/two").hardlink_to(tree / "etc/one")
    (tree / "etc/gone").write_text("x")
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    (tree / "etc/group").write_text("root:x:0:\nnobody:x:65534:\n")
    shutil.copy("/usr/bin/busybox", tree / "bin/busybox-able")
    subprocess.run(["setcap", "cap_net_raw+ep", tree / "bin/busybox-able"], check=True)
    init = tree / "sbin/init"
    init.write_text(init.read_text().replace('echo "ROOT DONE"\n', f'{SAY}echo "ROOT DONE"\n'))
    (place / "layer/etc").mkdir(parents=True)
    (place / "layer/etc/marker").write_text("from-the-layer")
    subprocess.run(["mknod", place / "layer/etc/gone", "c", "0", "0"], check=True)
    return [packed(one, place / f"{one.name}.squashfs") for one in (tree, place / "layer")]


@pytest.fixture
def start(kernel: Path, able: Path, server: BootServer, roots: list[tuple[bytes, str]]) -> Iterator[Boot]:
    """Return a function that boots a guest with that root and layer."""
    guests: list[Guest] = []
    (root, root_hash), (layer, layer_hash) = roots
    sha256 = hashlib.sha256(layer).hexdigest()
    server.files["/catalog/abc/root.squashfs"] = root
    server.files[f"/catalog/abc/{sha256}.squashfs"] = layer

    def boot(kind: str, **changes: str | None) -> Guest:
        facts: dict[str, str | None] = {
            "sbkernel__root": kind,
            "sbkernel__verity": root_hash,
            "sbkernel__unpacked": str(8 << 20),
            "sbkernel__layer": f"layer.squashfs,{len(layer)},{sha256},{layer_hash}",
        }
        line = command_line(server, **{**facts, **changes})
        guests.append(Guest.from_files(kernel, able, line, memory_mb=256, network=None))
        return guests[-1]

    yield boot
    for guest in guests:
        guest.stop()


@pytest.mark.parametrize(
    ("kind", "filesystem", "changes"),
    [
        ("tmpfs", "tmpfs", {}),
        ("zram", "ext2/ext3", {"sbkernel__verity": None, "rootlimit": "40m"}),
    ],
)
def test_the_root_is_unpacked_with_all_that_its_files_have_and_the_packed_one_is_given_back(
    start: Boot, server: BootServer, kind: str, filesystem: str, changes: dict[str, str | None]
) -> None:
    console = start(kind, **changes).wait_for("ROOT DONE")
    assert f"ROOT TYPE {filesystem} 0 0" in console
    assert "ROOT LINKS 2 linked from-the-layer gone=1" in console
    assert "ROOT CAPS CapEff:\t0000000000002000" in console
    assert "ROOT UP hostname=nobody marker=from-the-layer" in console
    assert "ROOT WRITABLE written" in console and "ROOT REMOVED" in console
    assert server.stages() == ["initrd", "fetched", "verified", "mounted"]
