"""The list of machines that are no nodes: bounded, honest about strange words, and turned into nodes by one call."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from netsite import IMAGE

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import discovery
from sbkernel.netboot.dhcp.makedhcp import known
from sbkernel.netboot.discovery import LIMIT, discovered, discovered_frame, note, sighting
from sbkernel.netboot.nodediscoverdef import nodediscoverdef
from sbkernel.site import Site

MAC, UUID = "52:54:00:00:00:77", "4c4c4544-0051-3010-8052-b4c04f564233"
TOLD = {
    "uuid": UUID.upper(), "manufacturer": "Dell Inc.", "product": "PowerEdge R650", "serial": "JX1", "ip": "10.0.0.99",
    "interface": "br0", "firmware": "efi x86_64",
}  # fmt: skip


@pytest.fixture
def machine(site: Site) -> str:
    note(site, [sighting(MAC, 1000.0, TOLD)])
    note(site, [sighting(MAC.upper().replace(":", "-"), 1060.0, {"ip": "10.0.0.98"})])
    return UUID


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)


def test_a_machine_that_asks_again_is_the_same_one(site: Site, machine: str) -> None:
    (one,) = discovered(site)
    assert (one.mac, one.uuid, one.first, one.last, one.times) == (MAC, UUID, 1000.0, 1060.0, 2)
    assert (one.ip, one.product, one.method) == ("10.0.0.98", "PowerEdge R650", "undef")
    (row,) = discovered_frame(site).to_dict("records")
    assert (row["mac"], str(row["last"]), row["times"]) == (MAC, "1970-01-01 00:17:40+00:00", 2)
    assert discovered_frame(site).dtypes["first"].kind == "M"


def test_it_is_listed_in_xcats_form(site: Site, machine: str) -> None:
    assert sb(site, "nodediscoverls").stdout.splitlines() == [
        "UUID                                    NODE                METHOD         PRODUCT             SERIAL",
        f"{UUID}    undef               undef          PowerEdge R650      JX1",
    ]
    long = sb(site, "nodediscoverls", "-u", MAC, "-l").stdout.splitlines()
    assert long[0] == f"Object uuid: {UUID}"
    assert {"    firmware=efi x86_64", "    interface=br0", "    times=2", "    manufacturer=Dell Inc."} <= set(long)
    assert sb(site, "nodediscoverls", "-t", "manual").stdout == "No machine was discovered.\n"


def test_one_call_makes_it_a_node_that_boots(site: Site, machine: str, version: ImageVersion) -> None:
    site.set("node", "n1", groups="compute,all", xcatmaster="10.0.0.1")
    site.set("group", "compute", provmethod=IMAGE)
    site.set("site", "clustersite", dhcpinterfaces="br0")
    done = sb(site, "nodediscoverdef", "-u", UUID, "-n", "n1", "ip=10.0.0.7")
    assert done.stdout == f"Defined [{UUID}] to node n1.\nn1: netboot debian12-x86_64-compute\n"
    assert (site.boot / "by-mac/52-54-00-00-00-77.ipxe").exists()
    node = site.nodes["n1"]
    assert (node.get("mac"), node.get("ip"), node.get("serial"), node.get("groups")) == (
        MAC, "10.0.0.7", "JX1", "compute,all",
    )  # fmt: skip
    assert known(site, "dnsmasq")["n1"].ip == "10.0.0.7"
    assert "n1" in sb(site, "nodediscoverls", "-t", "manual").stdout
    assert "is node n1 already" in str(sb(site, "nodediscoverdef", "-u", MAC, "-n", "n2").exception)


def test_the_next_free_name_is_taken(site: Site, machine: str) -> None:
    site.set("node", "n1", groups="all", mac="52:54:00:00:00:01")
    done = sb(site, "nodediscoverdef", "-u", MAC, "-n", "n[1-20]", "groups=compute,all")
    assert done.stdout == f"Defined [{UUID}] to node n2.\n"
    assert done.stderr == "Warning: n2 boots nothing yet\n  sb nodeset n2 osimage=IMAGE\n"
    note(site, [sighting("52:54:00:00:00:78", 1.0, {})])
    site.set("node", "n9", groups="compute,all")
    assert nodediscoverdef(site, "52:54:00:00:00:78", "compute").node == "n9"
    note(site, [sighting("52:54:00:00:00:79", 1.0, {})])
    with pytest.raises(DefinitionError, match="every node of compute has a MAC address"):
        nodediscoverdef(site, "52:54:00:00:00:79", "compute")


def test_a_new_node_begins_with_a_template(site: Site, machine: str) -> None:
    words = ("nodediscoverdef", "-u", MAC, "-n", "n1", "--template", "x86_64-template")
    assert 'The attribute "' in str(sb(site, *words, "ip=10.0.0.9").exception)
    assert "there is no template nope" in str(sb(site, *words[:-1], "nope").exception)
    assert list(site.nodes) == []
    sb(site, *words, "ip=10.0.0.9", "bmc=10.1.0.9")
    node = site.nodes["n1"]
    assert (node.get("mac"), node.get("mgt"), node.get("serialspeed")) == (MAC, "ipmi", "115200")


@pytest.mark.parametrize(
    ("which", "name", "why"),
    [
        ("52:54:00:00:00:99", "n2", "no machine 52:54:00:00:00:99 was discovered"),
        ("", "n2", "no machine  was discovered"),
        (MAC, "n1", "n1 has the MAC address 52:54:00:00:00:01"),
        (MAC, "a b", "a b"),
        (MAC, "../x", "/x"),
    ],
)
def test_what_cannot_be_done_changes_nothing(site: Site, machine: str, which: str, name: str, why: str) -> None:
    site.set("node", "n1", groups="all", mac="52:54:00:00:00:01")
    before = site.export()
    with pytest.raises((DefinitionError, NotFoundError)) as caught:
        nodediscoverdef(site, which, name)
    assert why in str(caught.value) and site.export() == before


def test_a_node_of_which_the_image_is_missing_is_made_all_the_same(site: Site, machine: str) -> None:
    done = nodediscoverdef(site, UUID, "n1", {"provmethod": "nope", "mac": "52:54:00:00:00:01"})
    assert (done.node, done.state, site.nodes["n1"].get("mac")) == ("n1", "", MAC)
    assert "Cannot find the OS image nope" in str(done.problem)


def test_machines_that_share_a_uuid_are_told_apart_by_their_addresses(site: Site, machine: str) -> None:
    note(site, [sighting("52:54:00:00:00:78", 1.0, {"uuid": UUID})])
    with pytest.raises(DefinitionError, match="2 machines have the UUID") as caught:
        nodediscoverdef(site, UUID, "n1")
    assert MAC in str(caught.value.hint)


def test_removing(site: Site, machine: str) -> None:
    note(site, [sighting("52:54:00:00:00:78", 1.0, {})])
    assert sb(site, "nodediscoverdef", "-r", "-u", MAC).stdout == "Removing discovery entries finished.\n"
    assert [one.mac for one in discovered(site)] == ["52:54:00:00:00:78"]
    sb(site, "nodediscoverdef", "-r", "-t", "undef")
    assert discovered(site) == []
    for words in (["-r"], ["-r", "-u", MAC, "-t", "all"], ["-u", MAC], ["-t", "all"], ["-u", MAC, "-n", "n1", "x"]):
        assert sb(site, "nodediscoverdef", *words).exception is not None


def test_a_flood_of_addresses_pushes_out_no_machine_that_asked_again(site: Site, machine: str) -> None:
    for turn in range(3):
        made_up = (f"02:00:{turn:02x}:00:{number // 256:02x}:{number % 256:02x}" for number in range(1500))
        note(site, [sighting(mac, 2000.0 + turn, {"product": "x" * 5000}) for mac in made_up])
    found = discovered(site)
    assert len(found) == LIMIT and found[0].mac == MAC
    assert (site.log / "discovered.json").stat().st_size < 400 * LIMIT


@given(st.dictionaries(st.sampled_from(sorted(TOLD)), st.text(max_size=200)))
def test_words_of_machines_cannot_upset_a_terminal(words: dict[str, str]) -> None:
    one = sighting(MAC, 0.0, words)
    told = [one.uuid, one.ip, one.interface, one.firmware, one.manufacturer, one.product, one.serial]
    assert all(text.isprintable() and len(text) <= 64 for text in told)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '[{"mac": "x"}]', '[{"mac": "52:54:00:00:00:01"}]'])
def test_a_list_that_is_spoilt_begins_anew(site: Site, text: str) -> None:
    (site.log / "discovered.json").write_text(text)
    assert discovered(site) == []
    note(site, [sighting(MAC, 1.0, {})])
    assert [one.mac for one in discovered(site)] == [MAC]


def test_firmware_that_does_not_know_its_uuid_has_none() -> None:
    assert sighting(MAC, 1.0, {"uuid": "00000000-0000-0000-0000-000000000000"}).key == MAC
    assert sighting(MAC, 1.0, {"uuid": "../../etc"}).uuid == ""
    assert discovery.sighting(MAC, 1.0, {"serial": "To be filled by O.E.M."}).serial == ""
