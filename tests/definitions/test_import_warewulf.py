"""nodes.conf of Warewulf 4: profiles are groups, nodes nodes, images stubs; what has no place is noted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.importing.warewulf import read
from sbkernel.errors import ListFileError, SbkernelError
from sbkernel.site import Site

NODES = """\
nodeprofiles:
  base:
    comment: for everybody
    image name: rockylinux-9
    kernel:
      args: [quiet, crashkernel=no]
    ipmi:
      username: admin
      password: env:no-reference
    network devices:
      default:
        device: eth0
        netmask: 255.255.255.0
        gateway: 10.0.0.1
  gpu:
    profiles: [base]
    kernel:
      args: [nomodeset, ~quiet]
nodes:
  n1.cluster:
    profiles: [gpu]
    comment: the first
    network devices:
      default:
        hwaddr: 52:54:00:00:00:01
        ipaddr: 10.0.0.11
        ipaddr6: 2001:db8::11
        onboot: true
      ib:
        device: ib0
        type: infiniband
        hwaddr: 52:54:00:00:00:02
        ipaddr: 10.1.0.11/16
        mtu: 2044
    ipmi:
      ipaddr: 10.0.1.11
      port: 6230
  n2:
    profiles: [base]
    network devices:
      default:
        ipaddr: 10.0.0.12
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


def imported(site: Site, tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "nodes.conf").write_text(text)
    report = site.import_from(tmp_path / "nodes.conf")
    return [line.removeprefix(f"{tmp_path}/") for line in report.complaints()]


def own(site: Site, objtype: str, name: str) -> dict[str, str]:
    return site.store.get(objtype, name) or {}


def test_nodes_have_what_warewulf_would_give_them(site: Site, tmp_path: Path) -> None:
    assert imported(site, tmp_path, NODES) == [
        "nodes.conf:28:9: network devices, onboot: not taken: every interface with an address comes up"
    ]
    first = site.nodes["n1"]
    assert first.get("addkcmdline") == "crashkernel=no nomodeset"
    assert first.get("bmcusername") == "admin"
    assert first.get("bmcpassword") == "text:env:no-reference"
    assert site.bmc_login("n1")[1].reveal() == "env:no-reference"
    assert first.get("provmethod") == "rockylinux-9"
    assert site.noderange("base") == ["n1", "n2"]


def test_what_groups_lend_is_not_stored_again(site: Site, tmp_path: Path) -> None:
    imported(site, tmp_path, NODES)
    assert own(site, "node", "n1") == {
        "addkcmdline": "crashkernel=no nomodeset",
        "bmc": "10.0.1.11:6230",
        "groups": "gpu,base,all",
        "hostnames": "n1.cluster",
        "installnic": "eth0",
        "ip": "10.0.0.11",
        "mac": "52:54:00:00:00:01|52:54:00:00:00:02!*NOIP*",
        "nicextraparams": "ib0!MTU=2044",
        "nicips": "eth0!10.0.0.11|2001:db8::11,ib0!10.1.0.11",
        "nictypes": "ib0!Infiniband",
        "usercomment": "the first",
    }
    assert own(site, "node", "n2") == {
        "groups": "base,all",
        "installnic": "eth0",
        "ip": "10.0.0.12",
        "nicips": "eth0!10.0.0.12",
    }
    assert own(site, "group", "gpu") == {"addkcmdline": "nomodeset", "grouptype": "static"}


def test_images_become_stubs_and_networks_are_made(site: Site, tmp_path: Path) -> None:
    imported(site, tmp_path, NODES)
    assert own(site, "osimage", "rockylinux-9") == {
        "imagetype": "linux",
        "profile": "rockylinux-9",
        "provmethod": "netboot",
        "usercomment": "Came from Warewulf; genimage needs osvers, osarch and pkglist.",
    }
    assert own(site, "network", "10_0_0_0-255_255_255_0") == {
        "gateway": "10.0.0.1",
        "mask": "255.255.255.0",
        "net": "10.0.0.0",
    }
    assert own(site, "network", "10_1_0_0-255_255_0_0") == {"mask": "255.255.0.0", "net": "10.1.0.0"}


def test_again_changes_nothing_and_keeps_what_was_made_of_a_stub(site: Site, tmp_path: Path) -> None:
    imported(site, tmp_path, NODES)
    site.set("osimage", "rockylinux-9", osvers="rocky9.4", osarch="x86_64", usercomment="mine")
    before = site.export(reveal=True)
    imported(site, tmp_path, NODES)
    assert site.export(reveal=True) == before


def test_old_spellings_and_the_implied_profile(site: Site, tmp_path: Path) -> None:
    text = """\
WW_INTERNAL: 43
nodeprofiles:
  default:
    container name: suse
    kernel args: quiet vga=791
    ipmi username: old
nodes:
  n1:
    ipmi ipaddr: 10.0.1.1
    network devices:
      eth0:
        default: "true"
        ipcidr: 10.0.0.1/24
        ip6addr: 2001:db8::1
"""
    assert imported(site, tmp_path, text) == []
    node = site.nodes["n1"]
    assert node.get("groups") == "default,all"
    assert (node.get("provmethod"), node.get("addkcmdline"), node.get("bmc")) == ("suse", "quiet vga=791", "10.0.1.1")
    assert (node.get("bmcusername"), node.get("ip")) == ("old", "10.0.0.1")
    assert site.networks["10_0_0_0-255_255_255_0"].get("mask") == "255.255.255.0"


def test_everything_else_is_listed_with_its_place(site: Site, tmp_path: Path) -> None:
    text = """\
nodeprofiles:
  lost:
    network devices: {default: {device: eth9}}
nodes:
  n1: {profiles: [none], bogus: 1, tags: {a: b}, image name: {x: y}, disks: {}}
  n1: {runtime overlay: [a]}
  n2.one: {network devices: {e: {netmask: 255.0.0.0}, f: {ipaddr: ten, netmask: 255.0.0.0}}}
  n3: [1]
  bad name: {image name: a/b}
resource: {}
"""
    assert imported(site, tmp_path, text) == [
        "nodes.conf:10:1: resource is not known",
        "nodes.conf:6:3: nodes has n1 twice; the later one holds",
        "nodes.conf:6:8: runtime overlay: not taken: overlays are Warewulf's; use synclists and postinstall of the "
        "osimage",
        "nodes.conf:8:7: nodes n3 is not a mapping",
        "nodes.conf:7:3: netmask: not taken: the network device has no address",
        "nodes.conf:7:59: no network is made: Expected 4 octets in 'ten'",
        "nodes.conf:2:3: profile lost is used by no node: its network devices are not taken",
        "nodes.conf:9:3: node bad name is not taken (groups, provmethod): The object name 'bad name' is invalid, "
        'please refer to "man xcatdb" for the valid "xCAT Object Name Format"',
        "nodes.conf:9:14: osimage a/b is not taken (imagetype, profile, provmethod, usercomment): The object name "
        """'a/b' is invalid, please refer to "man xcatdb" for the valid "xCAT Object Name Format\"""",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [("nodes:\n  n1:\n\tmtu: 1\n", 3), ("nodes: [", 1), ("nodes: &a {n1: *b}", 1), ("nodes: " + "[" * 5000, 1)],
)
def test_what_is_no_yaml_is_refused_with_its_line(site: Site, tmp_path: Path, text: str, place: int) -> None:
    with pytest.raises(ListFileError, match=rf"nodes.conf:{place}: not YAML: "):
        imported(site, tmp_path, text)
    assert list(site.nodes) == []


def test_an_alias_to_itself_and_merge_keys() -> None:
    assert read("nodes: &a\n  n1: *a\n", "f").items
    found = read("x: &x {comment: c}\nnodes:\n  n1:\n    <<: *x\n    image name: i\n", "f")
    assert found.items[0].values == {"groups": "all", "provmethod": "i", "usercomment": "c"}


@given(st.text() | st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)).map(str))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text, "f")
    except SbkernelError as error:
        assert str(error).startswith("f:")
