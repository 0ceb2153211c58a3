"""A virtual node whose root stays on the server: a whole Debian boots from it, and says what that took."""

import re
from collections.abc import Iterator

import pytest
from waiting import until

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
IMAGE, NODE = "lazyimage", "lazynode"


@pytest.fixture(scope="module")
def timeline(sb: Sb, first_demo: str) -> Iterator[str]:
    """The timeline of its boot; the packages of the image are those of the first demo, installed once."""
    sb("clone", "debian12-x86_64-netboot-compute", IMAGE)
    sb("chdef", "-t", "osimage", IMAGE, "rootkind=lazy,ram")
    sb("genimage", IMAGE, timeout_s=900)
    sb("packimage", IMAGE)
    sb("mkvm", NODE)
    sb("nodeset", NODE, f"osimage={IMAGE}")
    sb("rpower", NODE, "on")

    def reached() -> str:
        found = sb("nodestat", NODE, "--timeline")
        return found if " userspace " in found or " failed " in found else ""

    yield until(reached, 900, every_s=1)
    sb("rpower", NODE, "off")


def test_it_boots_with_what_it_reads(sb: Sb, timeline: str) -> None:
    assert "failed" not in timeline
    last = next(line for line in timeline.splitlines() if " userspace " in line)
    read = int(re.search(r"bytes (\d+)", last)[1])  # type: ignore[index]
    size = int(re.search(r"sbkernel\.size=(\d+)", sb.attribute("node", NODE, "kcmdline"))[1])  # type: ignore[index]
    assert 1 << 20 < read < size
    assert re.search(r"memory_used [\d.]+ MB", last)


def test_its_network_and_its_root_stay(sb: Sb, timeline: str) -> None:
    assert sb.ssh(NODE, "networkctl --no-legend list | grep -c configured").strip() == "1"
    assert sb.ssh(NODE, "systemctl --failed --no-legend --plain | cut -d' ' -f1").split() == []
    sb.ssh(NODE, "systemctl restart systemd-networkd && echo 3 >/proc/sys/vm/drop_caches")
    assert sb.ssh(NODE, "cat /usr/bin/[a-f]* >/dev/null && echo read").strip() == "read"
    assert "corrupted" not in sb.ssh(NODE, "dmesg")


def test_the_node_may_have_another_kind(sb: Sb, timeline: str) -> None:
    sb("chdef", "-t", "node", NODE, "rootkind=ram")
    sb("nodeset", NODE, "osimage")
    assert "sbkernel.root" not in sb.attribute("node", NODE, "kcmdline")
    sb("chdef", "-t", "node", NODE, "rootkind=zram")
    assert "was packed without what a root of that kind needs" in sb("nodeset", NODE, "osimage", status=1)
