"""imgcapture of real trees through a real sshd: what comes, what stays on the node, and what a fault leaves."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from noderoot import EDITED, KEPT, KERNEL, TRACES, make_root
from sshd import Sshd, sshd

from sbkernel.images.manifests import of_build
from sbkernel.nodes.capture import capture
from sbkernel.site import Site

LARGE = 64 << 20


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "it has blanks") as opened:
        yield opened


@pytest.fixture(params=["debian12", "rocky9.4"])
def node(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[str]:
    """A node n1 that runs, of both families; its osvers."""
    tree = make_root(tmp_path / "root", request.param)
    (tree / "scratch").mkdir()
    with sshd(site, "n1", tree, tmp_path / "sshd", mounts="/scratch"):
        yield request.param


@pytest.fixture
def large(site: Site, tmp_path: Path) -> Iterator[Sshd]:
    """A node n1 that takes a while to capture."""
    with sshd(site, "n1", make_root(tmp_path / "root", "debian12", more_bytes=LARGE), tmp_path / "sshd") as server:
        yield server


def everything(tree: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_what_comes_and_what_stays_on_the_node(site: Site, node: str, tmp_path: Path) -> None:
    done = capture(site, "n1", "taken", profile="role", nodebootif="eth9", netdrivers="b")
    tree = Path(done["rootimgdir"]) / "rootimg"
    found = everything(tree)
    assert {name: found[name].decode() for name in KEPT} == KEPT
    assert not TRACES.keys() - {"etc/machine-id", "etc/hosts"} & found.keys()
    assert found["etc/machine-id"] == b"" and b"node-before" not in found["etc/hosts"]
    assert not any(b"SECRET of the host" in data or b"SECRET of root" in data for data in found.values())
    assert "etc/systemd/network/10-card.link" not in found
    assert found["etc/systemd/network/20-any.network"].decode() == EDITED["etc/systemd/network/20-any.network"]
    assert b"10.1.2.3" not in found["etc/network/interfaces"]
    assert found["etc/shadow"].startswith(b"root:*:") and b"anna:$6$hers" in found["etc/shadow"]
    mounts = [line.split()[:2] for line in found["etc/fstab"].decode().splitlines()]
    assert ["server:/home", "/home"] in mounts and ["proc", "/proc"] in mounts
    assert not [one for one in mounts if one[0].startswith(("UUID", "/dev"))]
    assert b"tmpfs /tmp tmpfs size=50m" in b" ".join(found["etc/fstab"].split())
    status = (tree / "etc/app.conf").stat()
    assert (status.st_mode & 0o7777, status.st_nlink) == (0o640, 2)
    assert (tree / "opt/outside").readlink() == Path("/etc/app.conf")
    assert (tree / "usr/bin/tool").stat().st_mode & 0o7777 == 0o4755
    assert "cap_net_raw" in subprocess.run(["getcap", tree / "usr/bin/tool"], capture_output=True, text=True).stdout
    assert (tree / "tmp").stat().st_mode & 0o7777 == 0o1777 and (tree / "var/log/apt").is_dir()
    assert not (tree / "opt/pipe").exists() and not list((tree / "scratch").iterdir())
    assert [f"{one.name}={one.version}" for one in of_build(site, "taken")] in (
        ["own-tool=1.0"],
        ["own-tool=2:1.0-1"],
    )
    values = site.osimages["taken"].attributes
    assert (values["osvers"], values["profile"], values["nodebootif"], values["netdrivers"]) == (
        node, "role", "eth9", "b",
    )  # fmt: skip
    assert (done["packages"], done["kernelver"]) == (1, KERNEL)
    assert "private keys are among the files: /home/anna/.ssh/id_ed25519" in done["remarks"]
    before = everything(tmp_path / "root")
    assert {name: before[name].decode() for name in TRACES} == TRACES, "the node is as it was"
