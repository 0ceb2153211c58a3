"""Groups: made or named, static or dynamic, and rows of tables that are no groups yet."""

from pathlib import Path

import pytest
from sbrun import SCRIPTS, Sb, error, made, warning

from sbkernel.site import Site

FAILED = "One or more errors occured when attempting to create or modify xCAT object definitions."


@pytest.fixture
def three(sb: Sb) -> Sb:
    """Three nodes."""
    sb("mkdef", "n1,n2", "groups=all", "mgt=ipmi")
    sb("mkdef", "n3", "groups=all,compute")
    return sb


def group(sb: Sb, name: str) -> list[str]:
    return sb("lsdef", "-t", "group", name).out.splitlines()


def groups_of(sb: Sb, node: str) -> str:
    return sb("lsdef", node, "-ci", "groups").out.strip().partition("=")[2]


def test_named_groups(three: Sb) -> None:
    assert three("lsdef", "-t", "group").out == "all  (group)\ncompute  (group)\n"
    assert group(three, "compute") == ["Object name: compute", "    members=n3"]
    three("chdef", "-t", "group", "compute", "serialport=0")
    assert group(three, "compute") == ["Object name: compute", "    members=n3", "    serialport=0"]
    assert "serialport=0" in three("lsdef", "n3").out
    three("rmdef", "n3")
    assert three("lsdef", "-t", "group").out == "all  (group)\n"


def test_made_groups(three: Sb) -> None:
    assert three("mkdef", "-t", "group", "g", "members=n1-n2,compute") == (0, made(1), "")
    assert group(three, "g") == ["Object name: g", "    grouptype=static", "    members=n1,n2,n3"]
    assert groups_of(three, "n1") == "all,g"
    assert three("mkdef", "-t", "group", "e") == (
        0, made(1), warning("Cannot determine a member list for group 'e'."),
    )  # fmt: skip
    assert group(three, "e") == ["Object name: e", "    grouptype=static", "    members="]
    assert "already exists" in three("mkdef", "-t", "group", "compute", "members=n1").err
    unknown = error("Could not find a node named 'n9', skipping to the next node.")
    assert three("mkdef", "-t", "group", "h", "members=n1,n9") == (1, made(1), unknown)
    assert group(three, "h")[2] == "    members=n1"
    assert three("mkdef", "-t", "group", "w", "-w", "mgt==ipmi").out == made(1)
    assert group(three, "w")[2] == "    members=n1,n2"
    both = three("mkdef", "-t", "group", "x", "members=n1", "-w", "mgt==ipmi")
    assert both.err == error("Cannot use a list of members together with the '-w' option.", FAILED)


def test_made_anew(three: Sb) -> None:
    three("mkdef", "-t", "group", "g", "members=n1", "serialport=0")
    assert three("mkdef", "-f", "-t", "group", "g", "members=n2").out == made(1)
    assert group(three, "g") == ["Object name: g", "    grouptype=static", "    members=n1,n2"]


def test_members_are_changed(three: Sb) -> None:
    three("mkdef", "-t", "group", "g", "members=n1")
    assert three("chdef", "-t", "group", "g", "members=n2,n3") == (0, made(1), "")
    assert group(three, "g")[2] == "    members=n2,n3"
    assert three("chdef", "-t", "group", "g", "members=") == (0, made(1), "")
    assert group(three, "g")[2] == "    members=n2,n3"
    assert three("chdef", "-t", "group", "g", "-p", "members=n1") == (0, made(1), "")
    assert three("chdef", "-t", "group", "g", "-m", "members=n2") == (0, made(1), "")
    assert group(three, "g")[2] == "    members=n1,n3"
    stranger = three("chdef", "-t", "group", "g", "-m", "members=n2")
    assert (stranger.code, stranger.err) == (1, error("n2 is not a member of 'g'."))
    assert three("chdef", "-t", "group", "compute", "-m", "members=n3") == (0, made(1), "")
    assert groups_of(three, "n3") == "all,g"
    assert three("chdef", "-t", "group", "nope", "-m", "members=n1").err == error(
        "The '-m' option is not valid since the 'nope' definition does not exist.", FAILED
    )
    assert three("chdef", "-t", "group", "a1,a2", "members=n1").out == (
        f"{made(2)}New object definitions 'a1,a2' have been created.\n"
    )
    assert groups_of(three, "n1") == "all,g,a1,a2"


def test_members_by_conditions(three: Sb) -> None:
    three("mkdef", "-t", "group", "g", "members=n3")
    assert three("chdef", "-t", "group", "g", "-w", "mgt==ipmi").out == made(1)
    assert group(three, "g")[2:] == ["    members=n1,n2", "    wherevals=mgt==ipmi"]


def test_dynamic_groups(three: Sb) -> None:
    assert three("mkdef", "-t", "group", "-o", "d", "-d", "-w", "mgt==ipmi", "-w", "node=~2$") == (0, made(1), "")
    assert group(three, "d") == [
        "Object name: d", "    grouptype=dynamic", "    members=n2", "    wherevals=mgt==ipmi::node=~2$",
    ]  # fmt: skip
    assert three("lsdef", "d", "-s").out == "n2  (node)\n"
    assert three("chdef", "-t", "group", "d", "-d", "-w", "mgt==ipmi").out == made(1)
    assert group(three, "d")[2] == "    members=n1,n2"
    assert three("chdef", "-t", "group", "d", "-p", "-d", "-w", "node==n1").out == made(1)
    assert group(three, "d")[2:] == ["    members=n1", "    wherevals=mgt==ipmi::node==n1"]
    assert three("chdef", "-t", "group", "d", "-m", "-d", "-w", "mgt==ipmi").out == made(1)
    assert group(three, "d")[3] == "    wherevals=node==n1"
    attributes = "Can not assign attributes to dynamic node group 'd'."
    assert three("chdef", "-t", "group", "d", "mgt=ipmi") == (1, "", error(attributes, FAILED))
    assert three("rmdef", "-t", "group", "d").code == 0
    assert three("lsdef", "-t", "group").out == "all  (group)\ncompute  (group)\n"


def test_dynamic_groups_that_cannot_be(three: Sb) -> None:
    nowhere = "The 'where' attributes and values were not provided for dynamic group 'd'."
    assert three("mkdef", "-t", "group", "d", "-d") == (
        1, "", error(nowhere, "Skipping to the next group.", FAILED),
    )  # fmt: skip
    assert three("mkdef", "-t", "group", "d", "-d", "-w", "mgt==ipmi", "mgt=x").err == error(
        "Can not assign attributes to dynamic node group 'd'.", FAILED
    )
    assert three("mkdef", "-t", "group", "d", "-d", "-w", "foo==x") == (
        1, "", error("Incorrect attribute 'foo' in the selection string specified with -w flag."),
    )  # fmt: skip


def test_dynamic_groups_lend_nothing(three: Sb, where: Path) -> None:
    with Site.open(where) as site, site.store.write("test") as transaction:
        transaction.put("group", "d", {"grouptype": "dynamic", "wherevals": "mgt==ipmi", "serialport": "1"})
    three("chdef", "-p", "n1", "groups=d")
    assert "serialport" not in three("lsdef", "n1").out


def test_rmdef(three: Sb, where: Path) -> None:
    three("mkdef", "-t", "group", "g", "members=n1,n2", "serialport=0")
    assert three("rmdef", "-t", "group", "g,compute") == (0, "2 object definitions have been removed.\n", "")
    assert [groups_of(three, node) for node in ("n1", "n3")] == ["all", "all"]
    with Site.open(where) as site:
        assert site.store.get("group", "g") is None
    assert three("rmdef", "-t", "group", "xcatdefaults").err == error(
        "Could not find an object named 'xcatdefaults' of type 'group'."
    )


def test_rows_of_tables_are_no_groups(three: Sb, where: Path) -> None:
    with Site.open(where) as site, site.store.write("test") as transaction:
        transaction.put("group", "later", {"serialport": "1"})
        transaction.put("group", "n7", {"serialport": "0", "nodehm.comments": "kept"})
    assert "later" not in three("lsdef", "-t", "group").out
    assert three("lsdef", "later").code == 1
    three("chdef", "-p", "n1", "groups=later")
    assert "serialport=1" in three("lsdef", "n1").out
    three("mkdef", "n7", "groups=all")
    assert three("lsdef", "n7").out == f"Object name: n7\n    groups=all\n{SCRIPTS}    serialport=0\n"
    with Site.open(where) as site:
        assert site.store.get("group", "n7") is None
        assert site.store.get("node", "n7") == {"groups": "all", "serialport": "0", "nodehm.comments": "kept"}


def test_members_are_no_attribute_of_a_dynamic_group(three: Sb) -> None:
    refused = error("Can not assign attributes to dynamic node group 'd'.", FAILED)
    made_with_members = three("mkdef", "-t", "group", "-o", "d", "-d", "-w", "mgt==ipmi", "members=n1")
    assert (made_with_members.code, made_with_members.err) == (1, refused)
    three("mkdef", "-t", "group", "-o", "d", "-d", "-w", "mgt==ipmi")
    assert three("chdef", "-t", "group", "d", "members=n1").err == refused
    stanza = three("lsdef", "-t", "group", "d", "-z").out
    assert "    members=" in stanza
    assert three("chdef", "-z", stdin=stanza) == (0, made(1), "")
    assert three("mkdef", "-z", stdin=stanza.replace("\nd:", "\ne:")) == (0, made(1), "")
    assert three("lsdef", "-t", "group", "e").out == three("lsdef", "-t", "group", "d").out.replace(" d", " e")


@pytest.mark.parametrize("wrong", ["bmc=bmc1", "bmcpassword=x", "consport=22", "serialport=x", "community=public"])
def test_a_group_with_an_attribute_that_is_not_valid_for_it_is_not_made(three: Sb, where: Path, wrong: str) -> None:
    with Site.open(where) as site:
        before = site.store.objects("node"), site.store.objects("group")
    refused = three("mkdef", "-t", "group", "g", "members=n1-n3", "serialspeed=9600", wrong)
    assert (refused.out, refused.code) == ("", 1)
    assert wrong.partition("=")[0] in refused.err
    assert refused.err.endswith(error(FAILED))
    with Site.open(where) as site:
        assert (site.store.objects("node"), site.store.objects("group")) == before
        assert "g" not in site.groups


def test_what_an_attribute_of_a_group_needs_can_come_with_it(three: Sb) -> None:
    needs = error("Cannot set the attr='bmc' attribute unless mgt value is ipmi or openbmc or redfish or auto.", FAILED)
    assert three("mkdef", "-t", "group", "g", "members=n1-n3", "bmc=bmc1").err == needs
    assert three("chdef", "-t", "group", "g", "bmc=bmc1") == (1, "", needs)
    assert three("mkdef", "-t", "group", "g", "members=n1-n3", "bmc=bmc1", "mgt=openbmc").out == made(1)
    assert three("chdef", "-t", "group", "g", "bmcusername=root").out == made(1)


def test_a_listing_of_a_group_is_taken_back_though_another_group_has_its_mgt(three: Sb) -> None:
    three("mkdef", "-t", "group", "g", "members=n1,n2")
    assert three("nodegrpch", "g", r"ipmi.bmc=|\z|-bmc|").code == 0
    listing = three("lsdef", "-t", "group", "g", "-z").out
    three("rmdef", "-t", "group", "g")
    assert three("mkdef", "-z", stdin=listing).out == made(1)
    assert three("lsdef", "-t", "group", "g", "-z").out == listing
    assert three("chdef", "-z", stdin=listing).out == made(1)
    assert three("lsdef", "n1", "-i", "bmc").out == "Object name: n1\n    bmc=n1-bmc\n"
