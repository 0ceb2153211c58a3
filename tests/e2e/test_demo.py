"""The main job: a real image from its package list to the login prompt, in one command, twice."""

import json
import re
from pathlib import Path

import pytest

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

STAGES = ["power-on", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "login"]


def record_paths(output: str) -> dict[str, Path]:
    """Return the HTML records that a demo named, by notebook."""
    paths = [Path(line.split(maxsplit=1)[1]) for line in output.splitlines() if line.startswith("record ")]
    return {path.name.split("-")[1]: path for path in paths}


def test_the_demo_ends_at_the_login_prompt(first_demo: str) -> None:
    assert re.search(r"^console .*vn1 login:", first_demo, re.MULTILINE)
    assert re.search(r"^reported +[0-9a-f]{64} +equal$", first_demo, re.MULTILINE)
    assert re.search(r"\d+\.\d s  genimage: ", first_demo), "every stage is printed with its duration"


def test_the_timeline_has_every_stage(sb: Sb, first_demo: str) -> None:
    timeline = sb("nodestat", "vn1", "--timeline")
    positions = [timeline.find(stage) for stage in STAGES]
    assert -1 not in positions, timeline
    # The report of user space travels over the network and may come after the prompt on the console.
    assert positions[:-2] == sorted(positions[:-2]), timeline


def test_each_notebook_left_a_record_that_needs_no_network(first_demo: str) -> None:
    records = record_paths(first_demo)
    assert set(records) == {"define", "build", "boot"}
    for page in records.values():
        html = page.read_text()
        assert not re.search(r"""(?:src|href)\s*=\s*["']https?://""", html), page
        notebook = json.loads(page.with_suffix(".ipynb").read_text())
        assert notebook["metadata"]["papermill"]["exception"] is None
    assert all(stage in records["boot"].read_text() for stage in STAGES)
    assert "login:" in records["boot"].read_text()


def test_the_image_is_a_usable_compute_node(sb: Sb, first_demo: str) -> None:
    wanted = {"ssh.service", "rsyslog.service", "chrony.service"}
    active = sb.ssh("vn1", f"systemctl is-active {' '.join(sorted(wanted))}").split()
    assert active == ["active"] * len(wanted)
    assert sb.ssh("vn1", "hostname").strip() == "vn1"
    assert sb.ssh("vn1", "command -v mount.nfs4").strip()
    assert sb.ssh("vn1", "passwd -S root").split()[1] in {"L", "LK"}, "no password unless the site sets one"


def test_a_line_logged_on_the_node_is_found_in_the_log_of_the_site(sb: Sb, first_demo: str) -> None:
    sb.ssh("vn1", "logger -t probe the-node-speaks; sleep 2")
    lines = [line for line in (sb.site / "log" / "messages").read_text().splitlines() if "the-node-speaks" in line]
    assert lines
    assert "vn1" in lines[0]


def test_every_package_of_the_list_is_in_the_manifest(sb: Sb, first_demo: str) -> None:
    digest = re.search(r"^published +([0-9a-f]{64})$", first_demo, re.MULTILINE)
    assert digest
    manifest = json.loads((sb.site / "catalog" / digest.group(1) / "manifest.json").read_text())
    packages = manifest["packages"] if isinstance(manifest, dict) else manifest
    pkglist = Path(sb.attribute("osimage", "mycomputeimage", "pkglist")).read_text()
    lines = [line.strip() for line in pkglist.splitlines() if line.strip() and not line.startswith("#")]
    wanted = {name for line in lines for name in line.split(",")}
    assert wanted <= {package["name"] for package in packages}


def test_no_identity_is_left_in_the_image(sb: Sb, first_demo: str) -> None:
    tree = Path(sb.attribute("osimage", "mycomputeimage", "rootimgdir")) / "rootimg"
    assert not (tree / "etc/hostname").exists()
    assert not list(tree.glob("etc/ssh/ssh_host_*"))
    assert not list(tree.glob("var/lib/dhcp/*.leases"))
    machine_id = tree / "etc/machine-id"
    assert not machine_id.exists() or machine_id.read_text().strip() in {"", "uninitialized"}
    assert [
        log for log in (tree / "var/log").rglob("*") if log.is_file() and not log.is_symlink() and log.stat().st_size
    ] == []


def test_a_second_demo_builds_nothing_and_says_so(sb: Sb, first_demo: str) -> None:
    second = sb("demo", timeout_s=600)
    assert re.search(r"nothing to (do|build)", second), second
    assert "genimage: install packages" not in second
    assert "packimage: pack" not in second
    assert re.search(r"^reported +[0-9a-f]{64} +equal$", second, re.MULTILINE)
