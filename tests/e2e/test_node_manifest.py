"""What a running node has that its image has not: asked over ssh, and only of the node that booted."""

import base64
import subprocess
from pathlib import Path

import pytest

from sbkernel.errors import NodeError
from sbkernel.nodes import contents, ssh
from sbkernel.site import Site

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

CONTROL = """\
Package: by-hand
Version: 2:1.0-1
Architecture: all
Maintainer: t <t@t.invalid>
Description: installed by hand
"""


def test_a_package_installed_by_hand_is_seen(sb: Sb, first_demo: str, tmp_path: Path) -> None:
    (tmp_path / "root/DEBIAN").mkdir(parents=True)
    (tmp_path / "root/DEBIAN/control").write_text(CONTROL)
    subprocess.run(
        ["dpkg-deb", "--build", tmp_path / "root", tmp_path / "by-hand.deb"], check=True, capture_output=True
    )
    packed = base64.b64encode((tmp_path / "by-hand.deb").read_bytes()).decode()
    with Site.open(sb.site) as site:
        image = contents.of(site, "mycomputeimage")
        assert contents.of(site, "vn1").digest == image.digest, "a node has what its image has"
        sb.ssh("vn1", f"echo {packed} | base64 -d > /tmp/by-hand.deb && dpkg --install /tmp/by-hand.deb")
        try:
            node = contents.of(site, "vn1")
        finally:
            sb.ssh("vn1", "dpkg --purge by-hand")
    assert {str(p) for p in node} - {str(p) for p in image} == {"by-hand=2:1.0-1:all"}
    assert {str(p) for p in image} <= {str(p) for p in node}
    assert (node.kind, node.release) == ("node", image.release)


def test_another_machine_in_its_place_is_refused(sb: Sb, first_demo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0MkxBuHOVeFUtwRf5XlDpXqlPkVQ3OCIoNgWHyRkRo"
    port = sb.attribute("node", "vn1", "vmsshport")
    monkeypatch.setattr(ssh, "known_host", lambda *_: f"[127.0.0.1]:{port} {other}\n")
    with Site.open(sb.site) as site, pytest.raises(NodeError, match="host key is not the one it reported"):
        contents.of(site, "vn1")
