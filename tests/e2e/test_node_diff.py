"""sb diff between an image and the node that runs it, asked over ssh, with one package installed there by hand."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

CONTROL = """\
Package: slurm-by-hand
Version: 3:1.0-1
Architecture: amd64
Installed-Size: 2048
Maintainer: t <t@t.invalid>
Description: installed by hand
"""


@pytest.fixture
def by_hand(sb: Sb, first_demo: str, tmp_path: Path) -> str:
    """A package that somebody installs on the node, as base64."""
    (tmp_path / "root/DEBIAN").mkdir(parents=True)
    (tmp_path / "root/DEBIAN/control").write_text(CONTROL)
    deb = tmp_path / "by-hand.deb"
    subprocess.run(["dpkg-deb", "--build", tmp_path / "root", deb], check=True, capture_output=True)
    return base64.b64encode(deb.read_bytes()).decode()


def test_a_node_is_compared_with_its_image(sb: Sb, by_hand: str, tmp_path: Path) -> None:
    assert "the same " in sb("diff", "mycomputeimage", "vn1"), "a node has what its image has"
    policy = tmp_path / "policy.yaml"
    policy.write_text("added: forbid\nattention: [slurm]\n")
    sb.ssh("vn1", f"echo {by_hand} | base64 -d > /tmp/by-hand.deb && dpkg --install /tmp/by-hand.deb")
    try:
        data = json.loads(sb("diff", "mycomputeimage", "node:vn1", "--format", "json"))
        said = sb("diff", "mycomputeimage", "vn1", "-s", "--policy", str(policy), status=1)
        matrix = sb("diff", "mycomputeimage", "vn1", "pkglist:mycomputeimage", "--format", "csv")
    finally:
        sb.ssh("vn1", "dpkg --purge slurm-by-hand")
    (row,) = data["rows"]
    assert (row["change"], row["name"], row["arch"], row["old"], row["new"], row["new_size"], row["attention"]) == (
        "added", "slurm-by-hand", "amd64", "", "3:1.0-1", 2048 * 1024, "slurm",
    )  # fmt: skip
    assert "slurm moved; 1 added, +2.1 MB" in said
    assert "added: forbid: 1 package\n      slurm-by-hand 3:1.0-1" in said
    assert "slurm-by-hand,amd64,,3:1.0-1," in matrix
