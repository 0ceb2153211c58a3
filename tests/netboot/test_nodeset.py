"""nodeset: states and errors in xCAT's words, files that pin the digest, nothing written by a dry run."""

import re
from pathlib import Path

import pytest
import smallimage
from click.testing import CliRunner
from netsite import IMAGE, publish, script_of

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import DefinitionError, NodeError, NotFoundError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.commandline import NO_TIMER_CHECK
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

STATE = "netboot debian12-x86_64-compute"
GOLDEN = """#!ipxe
# netboot debian12-x86_64-compute
# ${card} ${node}: written by nodeset, read by iPXE.
# debian12-x86_64-netboot-compute@DIGEST, the current version when this was written
# The script of the address says which node this is; who has come here without it goes there.
isset ${node} || chain --autofree --replace ../boot.ipxe
set tries:int32 0
:load
imgfree
kernel http://10.0.0.1:8080/catalog/DIGEST/kernel?node=${node} initrd=initrd NODE=${node} XCAT=10.0.0.1:8080 \
imgurl=http://10.0.0.1:8080/catalog/DIGEST/root.squashfs sbkernel.sha256=SHA256 sbkernel.size=4 \
sbkernel.image=DIGEST sbkernel.overlay=http://10.0.0.1:8080/boot/nodes/${node}.overlay.tar BOOTIF=01-${card} \
console=tty0 console=ttyS0,115200 || goto again
initrd --name initrd http://10.0.0.1:8080/catalog/DIGEST/initrd?node=${node} || goto again
boot || goto again
"""


def files_below(boot: Path) -> set[str]:
    return {str(path.relative_to(boot)) for path in boot.rglob("*") if path.is_file()}


def line_of(site: Site, node: str) -> list[str]:
    script = script_of(site.boot, node)
    return next(line for line in script.splitlines() if line.startswith("kernel ")).split()


def test_boot_script_is_the_golden_one(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}
    expected = GOLDEN.replace("DIGEST", version.digest).replace("SHA256", version.root_sha256)
    assert (site.boot / "nodes/n1.ipxe").read_text().startswith(expected)
    pointer = (site.boot / "by-mac/52-54-00-00-00-01.ipxe").read_text()
    assert pointer.endswith("set node n1\nset card 52-54-00-00-00-01\nchain --autofree --replace ../nodes/n1.ipxe\n")
    assert "by-mac/${netX/mac:hexhyp}.ipxe" in (site.boot / "boot.ipxe").read_text()


def test_what_a_node_checks_a_root_by_is_named(site: Site, nodes: list[str]) -> None:
    """The sum stays, for a kernel without dm-verity; a version without either word has neither."""
    version = smallimage.publish(site, b"root", IMAGE, verity="ab" * 32, key="4B87C59320B2449A")
    nodeset(site, "n1", f"osimage={IMAGE}")
    words = [word for word in line_of(site, "n1") if word.startswith("sbkernel.")]
    assert words[:4] == [
        f"sbkernel.sha256={version.root_sha256}", "sbkernel.size=4", f"sbkernel.verity={'ab' * 32}",
        "sbkernel.signed=4B87C59320B2449A",
    ]  # fmt: skip


def test_an_archive_is_named_with_what_it_takes_in_memory(site: Site, nodes: list[str]) -> None:
    smallimage.publish(site, b"root", IMAGE, root_name="root.cpio.xz", unpacked=5000)
    nodeset(site, "n1", f"osimage={IMAGE}")
    words = line_of(site, "n1")
    assert [word.rpartition("/")[2] for word in words if word.startswith("imgurl=")] == ["root.cpio.xz"]
    assert "sbkernel.unpacked=5000" in words
    publish(site, b"another")
    nodeset(site, "n1", "osimage")
    assert not [word for word in line_of(site, "n1") if word.startswith("sbkernel.unpacked=")]


def test_a_guest_in_the_user_network_has_its_own_name_for_us(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    nodeset(site, "n2", f"osimage={IMAGE}")
    assert "XCAT=10.0.2.2:8080" in line_of(site, "n2")


def test_only_a_guest_of_the_site_is_spared_the_check_of_timers(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    site.set("node", "n2", vmhost="localhost")
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert [NO_TIMER_CHECK in line_of(site, node) for node in ("n1", "n2")] == [False, True]


def test_a_node_that_cannot_be_set_does_not_stop_the_others(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    result = nodeset(site, "n1-n3", f"osimage={IMAGE}")
    assert dict(result) == {"n1": STATE, "n2": STATE}
    assert "No MAC address available for this node" in str(result.errors["n3"])
    with pytest.raises(NodeError, match="n3: No MAC"):
        result["n3"]
    with pytest.raises(KeyError):
        result["n4"]


def test_attributes_follow(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    node = site.nodes["n1"]
    assert [node.get(key) for key in ("provmethod", "os", "arch", "profile")] == [
        IMAGE, "debian12", "x86_64", "compute",
    ]  # fmt: skip
    assert node.get("currstate") == STATE
    assert node.get("kcmdline").startswith("NODE=n1 XCAT=10.0.0.1:8080 imgurl=")


def test_plain_osimage_takes_the_nodes_own(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    assert "nodetype.provmethod" in str(nodeset(site, "n1", "osimage").errors["n1"])
    site.set("node", "n1", provmethod=IMAGE)
    assert nodeset(site, "n1", "osimage") == {"n1": STATE}


def test_boot_keeps_the_osimage(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert nodeset(site, "n1", "boot") == {"n1": "boot"}
    assert nodeset(site, "n1", "stat") == {"n1": "boot"}
    assert site.nodes["n1"].get("provmethod") == IMAGE
    assert (site.boot / "nodes/n1.ipxe").read_text().splitlines()[-1] == "exit"
    assert nodeset(site, "n1", "osimage") == {"n1": STATE}


def test_what_is_on_the_disk_is_remembered(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("osimage", "on-disk", imagetype="linux", osvers="rocky9.4", osarch="x86_64", profile="all",
             provmethod="install")  # fmt: skip
    site.set("node", "n1", provmethod="on-disk", os="rocky9.4", profile="all")
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}
    assert what(site) == ["debian12", "compute", IMAGE, "on-disk"]
    assert nodeset(site, "n1", f"osimage={IMAGE}@{version.digest}") == {"n1": STATE}
    assert nodeset(site, "n1", "boot") == {"n1": "boot"}
    assert what(site) == ["rocky9.4", "all", f"{IMAGE}@{version.digest}", "on-disk"]
    assert nodeset(site, "n1", "osimage") == {"n1": STATE}
    assert what(site) == ["debian12", "compute", f"{IMAGE}@{version.digest}", "on-disk"]
    site.delete("osimage", "on-disk")
    nodeset(site, "n1", "boot")
    assert what(site)[0] == "debian12", "nobody knows any more what was on it"


def test_a_node_that_has_had_no_image_gets_one(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n1", provmethod=None)
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}
    assert site.nodes["n1"].get("diskimage") == ""


def what(site: Site) -> list[str]:
    return [site.nodes["n1"].get(key) for key in ("os", "profile", "provmethod", "diskimage")]


def test_the_console_is_that_of_the_images_architecture(site: Site, nodes: list[str]) -> None:
    publish(site, b"root", "arm")
    site.set(
        "osimage", "arm", imagetype="linux", osvers="debian12", osarch="aarch64", profile="x", provmethod="netboot"
    )
    site.set("node", "n1", vmhost="localhost", arch="x86_64")
    assert nodeset(site, "n1", "osimage=arm") == {"n1": "netboot debian12-aarch64-x"}
    assert "console=ttyAMA0,115200" in line_of(site, "n1")
    assert NO_TIMER_CHECK not in line_of(site, "n1")
    assert site.nodes["n1"].get("arch") == "aarch64"


def test_stat_reads_the_boot_files(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert nodeset(site, "n1-n3", "stat") == {"n1": STATE, "n2": "offline", "n3": "offline"}


def test_offline_takes_all_files_away(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert nodeset(site, "n1,n3", "offline") == {"n1": "offline", "n3": "offline"}
    assert files_below(site.boot) == {
        "boot.ipxe", "by-mac/52-54-00-00-00-02.ipxe", "nodes/n2.ipxe", "nodes/n2.overlay.tar",
    }  # fmt: skip


def test_a_new_mac_address_replaces_the_old(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    site.set("node", "n1", mac="52:54:00:00:00:AA")
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert {path.name for path in (site.boot / "by-mac").iterdir()} == {"52-54-00-00-00-aa.ipxe"}


def test_two_nodes_cannot_be_one_machine(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n2", mac="52:54:00:00:00:01")
    result = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert list(result) == ["n1"]
    assert "n1 has the same MAC address" in str(result.errors["n2"])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"n1": {"ip": "10.0.0.7"}, "n2": {"ip": "10.0.0.7"}}, "IP address, 10.0.0.7"),
        ({"n1": {"ip": "fd00::7"}, "n2": {"ip": "fd00:0::7"}}, "IP address, fd00::7"),
        ({"n2": {"mac": "52-54-00-00-00-01"}}, "MAC address, 52-54-00-00-00-01"),
        ({"n1": {"mac": "52:54:00:00:00:01|52:54:00:00:00:02!n1-eth1"}}, "MAC address, 52-54-00-00-00-02"),
    ],
)
def test_an_address_of_another_node_is_refused(
    site: Site, version: ImageVersion, nodes: list[str], changes: dict[str, dict[str, str]], kind: str
) -> None:
    site.change("node", changes)
    for action in (f"osimage={IMAGE}", "boot"):
        result = nodeset(site, "n2", action)
        assert (list(result), str(result.errors["n2"])) == ([], f"n2: n1 has the same {kind}")
    assert not list(site.boot.glob("nodes/n2*"))
    assert list(nodeset(site, "n1,n2", f"osimage={IMAGE}")) == ["n1"]
    assert list(nodeset(site, "n2", "offline")) == ["n2"]


def test_a_node_that_is_set_keeps_its_address(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("group", "all", ip="|10.0.0.($1)|")
    assert list(nodeset(site, "n2", f"osimage={IMAGE}")) == ["n2"]
    site.set("node", "n1", ip="10.0.0.2")
    result = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert list(result) == ["n2"]
    assert str(result.errors["n1"]) == "n1: n2 has the same IP address, 10.0.0.2"
    nodeset(site, "n2", "offline")
    assert list(nodeset(site, "n1", f"osimage={IMAGE}")) == ["n1"]


def test_what_is_no_address_is_refused_though_it_is_stored(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    with site.store.write("an older version stored it") as transaction:
        transaction.put("node", "n1", {**(transaction.get("node", "n1") or {}), "ip": "10.9.0.300"})
        transaction.put("group", "all", {"ip": "|10.9.0.($1+298)|"})
    result = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert list(result) == []
    assert str(result.errors["n1"]) == "n1: its IP address 10.9.0.300 is neither an IPv4 nor an IPv6 address"
    assert str(result.errors["n2"]).startswith("n2: ip of group all cannot be computed: '10.9.0.300' is not a legal")


def test_an_unknown_image_is_said_in_xcats_words(site: Site, nodes: list[str]) -> None:
    with pytest.raises(NotFoundError, match=r"Cannot find the OS image nope in the osimage table\."):
        nodeset(site, "n1", "osimage=nope")


def test_an_image_that_is_not_packed_names_packimage(site: Site, nodes: list[str]) -> None:
    with pytest.raises(NotFoundError, match="No packed image for platform debian12-x86_64-compute, please run packim"):
        nodeset(site, "n1", f"osimage={IMAGE}")
    assert files_below(site.boot) == set()


@pytest.mark.parametrize("action", ["netboot", "install", "statelite=x"])
def test_deprecated_actions(site: Site, nodes: list[str], action: str) -> None:
    with pytest.raises(DefinitionError, match="have been deprecated"):
        nodeset(site, "n1", action)


@pytest.mark.parametrize("action", ["osimage=", "osimage= ", "boot=x", "nonsense", ""])
def test_wrong_actions(site: Site, nodes: list[str], action: str) -> None:
    with pytest.raises(DefinitionError):
        nodeset(site, "n1", action)


def test_a_node_without_a_server_address_is_refused(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n1", xcatmaster="")
    assert "no address" in str(nodeset(site, "n1", f"osimage={IMAGE}").errors["n1"])
    site.set("site", "clustersite", master="10.9.9.9")
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert "XCAT=10.9.9.9:8080" in line_of(site, "n1")


def test_added_arguments_stand_last_and_the_nodes_after_the_images(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    site.set("osimage", IMAGE, addkcmdline="quiet x=!myipfn!")
    site.set("node", "n1", addkcmdline="sbkernel.retries=3")
    nodeset(site, "n1", f"osimage={IMAGE}")
    words = line_of(site, "n1")
    assert words[words.index("console=ttyS0,115200") + 1 :] == [
        "quiet", "x=10.0.0.1", "sbkernel.retries=3", "||", "goto", "again",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a || b", "x=${net0/mac}", "#TABLE:site:x#", "a #b", "ä", "x" * 2100])
def test_what_would_not_reach_the_kernel_is_refused(
    site: Site, version: ImageVersion, nodes: list[str], text: str
) -> None:
    site.set("node", "n1", addkcmdline=text)
    assert list(nodeset(site, "n1", f"osimage={IMAGE}").errors) == ["n1"]


def test_a_serial_port_needs_a_speed(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n1", serialspeed="")
    error = nodeset(site, "n1", f"osimage={IMAGE}").errors["n1"]
    assert "serialport defined, but no serialspeed for n1 in nodehm table" in str(error)


def test_a_node_keeps_its_digest_until_the_next_nodeset(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    newer = publish(site, b"another root")
    assert newer.digest not in (site.boot / "nodes/n1.ipxe").read_text()
    nodeset(site, "n1", "osimage")
    assert version.digest not in (site.boot / "nodes/n1.ipxe").read_text()


def test_a_dry_run_writes_nothing(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    result = nodeset(site, "n1", f"osimage={IMAGE}", dry_run=True)
    assert files_below(site.boot) == set()
    assert site.nodes["n1"].get("provmethod") == ""
    assert set(result.plans[0].files) == {"nodes/n1.ipxe", "nodes/n1.overlay.tar", "by-mac/52-54-00-00-00-01.ipxe"}


def test_a_second_run_rewrites_nothing(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    before = {path: path.stat().st_ino for path in site.boot.rglob("*")}
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert {path: path.stat().st_ino for path in site.boot.rglob("*")} == before


def run(site: Site, *arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(
        group(VERB_GROUPS), ["--site", str(site.root), "nodeset", *arguments], standalone_mode=False
    )
    return int(done.return_value or 0), done.stdout, done.stderr


def test_the_verb_prints_one_line_a_node_and_errors_apart(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    status, out, err = run(site, "n1,n3", f"osimage={IMAGE}")
    assert (status, out) == (1, f"n1: {STATE}\n")
    assert err.startswith("Error: n3: No MAC address available for this node\n")


def test_the_verb_shows_what_a_dry_run_would_write(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    status, out, _ = run(site, "n1", f"osimage={IMAGE}", "--dry-run")
    assert status == 0
    assert "==> boot/nodes/n1.ipxe\n#!ipxe\n" in out
    assert re.search(r"0600 +\d+ root/.ssh/authorized_keys\n", out)
