"""A nodeset of new nodes that ends at any call of the kernel: what nodes reach is whole, and the next one finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest
from netsite import IMAGE

from sbkernel.files import AT_ONCE
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.bootfiles import BootFiles, Scripts
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

ENDING = """
import os, signal, sys
from sbkernel import files
from sbkernel.netboot import bootfiles
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

write, left = os.write, [int(sys.argv[2])]

def end():
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(28, "No space left on device")

def counted(descriptor, content):
    left[0] -= 1
    if left[0] >= 0:
        return write(descriptor, content)
    if len(content) > files.AT_ONCE:
        write(descriptor, content[:files.AT_ONCE])
    end()

applied = bootfiles.BootFiles.apply

def apply(self, plan, old):
    os.write = counted
    try:
        applied(self, plan, old)
    finally:
        os.write = write

bootfiles.BootFiles.apply = apply
with Site.open(sys.argv[1]) as site:
    nodeset(site, "n1,n2", sys.argv[4])
"""
FILES = 8
"""Of both nodes, n2 boots by GRUB: overlay, scripts, and what leads to them by MAC address."""


def contents(site: Site) -> dict[str, bytes]:
    below = (site.boot / name for name in ("nodes", "by-mac", "grub2"))
    files = (path for directory in below for path in directory.glob("*") if path.suffix != ".efi")
    return {str(path.relative_to(site.boot)): path.read_bytes() for path in files if path.name[:1] != "."}


@pytest.fixture
def setting(site: Site, version: ImageVersion, nodes: list[str]) -> str:
    site.change("site", {"clustersite": {"master": "10.0.0.1"}})
    site.change("node", {"n2": {"netboot": "grub2", "vmnics": ""}})
    return f"osimage={IMAGE}@{version.digest}"


@pytest.mark.parametrize("how", ["killed", "full"])
@pytest.mark.parametrize("after", range(FILES))
def test_what_nodes_reach_is_whole_and_the_next_one_finishes(site: Site, setting: str, after: int, how: str) -> None:
    done = subprocess.run([sys.executable, "-c", ENDING, str(site.root), str(after), how, setting], check=False)
    assert done.returncode == (-signal.SIGKILL if how == "killed" else 1)
    left, before = contents(site), {name: nodeset(site, name, "stat")[name] for name in ("n1", "n2")}
    assert not nodeset(site, "n1,n2", setting).errors
    whole = contents(site)
    assert left.keys() <= whole.keys() and len(left) == after + 1
    for path, content in left.items():
        assert content in (b"", whole[path]) or (path.endswith(".tar") and whole[path].startswith(content))
    for node, state in before.items():
        scripts = [left.get(f"nodes/{node}.{loader}") for loader in ("ipxe", "grub")]
        if any(scripts):
            overlay = f"nodes/{node}.overlay.tar"
            assert left[overlay] == whole[overlay]
        assert state == ("netboot debian12-x86_64-compute" if scripts[0] else "offline")
    assert len(whole["nodes/n1.overlay.tar"]) > AT_ONCE > len(whole["nodes/n1.ipxe"])


def test_what_has_come_meanwhile_is_not_written_into(site: Site, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another nodeset has made the same files since this one has looked; who reads them goes on reading the same."""
    apply, reading = BootFiles.apply, dict[Path, BinaryIO]()

    def late(self: BootFiles, plan: BootPlan, old: Scripts) -> None:
        for path in plan.files:
            file = site.boot / path
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"of another nodeset")
            reading[file] = file.open("rb")
        with monkeypatch.context() as patch:
            patch.setattr("sbkernel.files.Folder.read", lambda *_: None)
            apply(self, plan, old)

    monkeypatch.setattr(BootFiles, "apply", late)
    assert not nodeset(site, "n1,n2", setting).errors
    for file, reader in reading.items():
        assert reader.read() == b"of another nodeset" != file.read_bytes()
        reader.close()


@pytest.mark.parametrize(
    ("old", "script", "renamed"),
    [
        (b"", b"s" * AT_ONCE, []),
        (b"", b"s" * (AT_ONCE + 1), ["n1.ipxe"]),
        (b"of before", b"s", ["n1.overlay.tar", "n1.ipxe"]),
    ],
)
def test_what_could_be_seen_in_part_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, script: bytes, renamed: list[str]
) -> None:
    """A virtual node asks for its script by its name; once there is one, others may ask for the overlay, too."""
    names, replace = list[object](), os.replace
    monkeypatch.setattr(os, "replace", lambda *words, **more: (names.append(words[1]), replace(*words, **more)))
    files = {"nodes/n1.overlay.tar": b"o" * 3 * AT_ONCE, "nodes/n1.ipxe": script, "by-mac/a.ipxe": b"m"}
    if old:
        (tmp_path / "nodes").mkdir()
        (tmp_path / "nodes/n1.ipxe").write_bytes(old)
    with BootFiles(tmp_path) as below:
        below.apply(BootPlan("n1", "netboot x", "a", files), below.scripts("n1"))
    assert names == renamed
    assert {str(one.relative_to(tmp_path)): one.read_bytes() for one in tmp_path.glob("*/*")} == files
