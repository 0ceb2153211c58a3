"""The demo's node is captured as it runs, and another node boots from its capture."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

SMALL = """\
#INCLUDE:{shared}#
./usr/lib/modules/*/kernel/*
+./usr/lib/modules/*/kernel/drivers/virtio*
+./usr/lib/modules/*/kernel/drivers/block*
+./usr/lib/modules/*/kernel/drivers/net/*virtio*
+./usr/lib/modules/*/kernel/drivers/net/net_failover*
+./usr/lib/modules/*/kernel/net/core*
+./usr/lib/modules/*/kernel/net/packet*
+./usr/lib/modules/*/kernel/net/sunrpc*
+./usr/lib/modules/*/kernel/fs/squashfs*
+./usr/lib/modules/*/kernel/fs/overlayfs*
+./usr/lib/modules/*/kernel/lib/*crc*
./usr/share/*
+./usr/share/dbus*
./usr/lib/udev/hwdb*
./usr/lib/python3*
./usr/lib/file*
./usr/lib/x86_64-linux-gnu/perl*
./usr/lib/x86_64-linux-gnu/*icu*
./usr/lib/x86_64-linux-gnu/libtcl*
./usr/lib/x86_64-linux-gnu/libperl*
./usr/bin/p*
+./usr/bin/passwd
"""
"""What a login over ssh can do without: an emulated node sends a few megabytes a second."""


@pytest.fixture(scope="module")
def captured(sb: Sb, first_demo: str) -> Iterator[str]:
    """What imgcapture printed of a node on which somebody has worked by hand."""
    listed = sb.site / "install/custom/netboot/debian/compute.imgcapture.exlist"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(SMALL.format(shared=sb.site / "share/netboot/debian/compute.imgcapture.exlist"))
    sb.ssh("vn1", "echo by hand > /etc/made-by-hand && cp -a /etc/motd /etc/motd.kept && echo tuned >> /etc/motd")
    try:
        yield sb("imgcapture", "vn1", "-t", "diskless", "-o", "taken", "-V", timeout_s=900)
    finally:
        sb.ssh("vn1", "rm /etc/made-by-hand && mv /etc/motd.kept /etc/motd")


def test_what_was_done_by_hand_is_told(captured: str) -> None:
    assert captured.startswith("Capturing image on vn1...") and captured.endswith("Done.\n")
    assert re.search(
        r"^files and packages that differ from mycomputeimage@[0-9a-f]{8}: \d+ and 0$", captured, re.MULTILINE
    )
    assert "  added    /etc/made-by-hand\n" in captured and "  changed  /etc/motd\n" in captured
    assert "left out: keys of its sshd (2)" in captured


def test_the_tree_is_nobodys(sb: Sb, captured: str) -> None:
    tree = Path(sb.attribute("osimage", "taken", "rootimgdir")) / "rootimg"
    assert (tree / "etc/made-by-hand").read_text() == "by hand\n"
    assert (tree / "etc/machine-id").read_bytes() == b"" and not (tree / "etc/hostname").exists()
    gone = (
        "etc/ssh/ssh_host_*",
        "root/.ssh/*",
        "var/log/**/*.log",
        "var/lib/systemd/random-seed",
        "usr/lib/sbkernel/*",
    )
    assert [path for pattern in gone for path in tree.glob(pattern)] == []
    assert not list(tree.glob("etc/systemd/system/**/sbkernel-*"))
    assert "was captured from vn1" in sb("genimage", "taken", status=1)


def test_another_node_boots_from_it(sb: Sb, captured: str) -> None:
    packed = sb("packimage", "taken")
    digest = re.search(r"^digest:([0-9a-f]{64})$", packed, re.MULTILINE)
    assert digest
    why = sb("images", f"taken@{digest[1]}", "--why")
    assert re.search(r"^imgcapture +\d{4}-.* by ", why, re.MULTILINE)
    assert re.search(
        r"^  from +vn1, \d{4}-.* UTC, which had booted mycomputeimage@[0-9a-f]{8}, Linux 6", why, re.MULTILINE
    )
    before = sb.ssh("vn1", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id")
    scripts = sb.site / "install/postscripts"
    (scripts / "tune").write_text("#!/bin/sh\necho $NODE boots $PROVMETHOD with $# words: $1 > /etc/tuned\n")
    (scripts / "broken").write_text("#!/bin/sh\necho it cannot\nexit 4\n")
    sb("mkvm", "vn2")
    sb("chdef", "vn2", "postscripts=tune $x, broken", "postbootscripts=tune late")
    sb("nodeset", "vn2", "osimage=taken")
    sb("rpower", "vn2", "on")
    try:
        assert "vn2 login:" in sb("rcons", "vn2", "--until", "login:", "--for", "400", timeout_s=430)
        until(lambda: "userspace" in sb("nodestat", "vn2", "--timeline"), 120, every_s=1)
        assert sb.ssh("vn2", "cat /etc/made-by-hand; hostname").splitlines() == ["by hand", "vn2"]
        after = sb.ssh("vn2", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id")
        assert not set(before.split()[1::2]) & set(after.split()[1::2]), "keys and machine-id are its own"
        assert sb.ssh("vn2", "systemctl is-active ssh.service rsyslog.service").split() == ["active"] * 2
        assert "the same " in sb("diff", "taken", "vn2")
        timeline = until(
            lambda: found if "postscripts failed" in (found := sb("nodestat", "vn2", "--timeline")) else "",
            120,
            every_s=1,
        )
        assert re.search(r"postscript +script tune, status 0, seconds ", timeline)
        assert re.search(r"postscript +script broken, status 4, .*said it cannot", timeline)
        assert "failed     reason postscripts failed: broken (4)" in timeline
        assert sb.attribute("node", "vn2", "status") == "failed", "the login prompt does not change that"
        assert sb.ssh("vn2", "cat /etc/tuned; cat /var/log/xcat/broken.log").splitlines() == [
            "vn2 boots taken with 1 words: late", "it cannot",
        ]  # fmt: skip
    finally:
        sb("rpower", "vn2", "off", status=None)
        sb("rmvm", "vn2", status=None)
