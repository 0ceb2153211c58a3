"""nodeadd: names need not exist, groups are needed, nothing is half made."""

from pathlib import Path

import pytest
from sbrun import Sb, error, warning

from sbkernel.site import Site


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("n[1-3]", "n1 n2 n3"),
        ("5-7", "node5 node6 node7"),
        ("n[1-4],-n2", "n1 n3 n4"),
        ("n1", "n1"),
        ("gpu-1-gpu-2", "gpu-1 gpu-2"),
    ],
)
def test_a_range_makes_nodes(sb: Sb, words: str, made: str) -> None:
    assert sb("nodeadd", words, "groups=all,compute", "nodetype.os=x") == (0, "", "")
    assert sb("nodels").out.split() == made.split()
    assert sb("nodels", made.split()[0], "nodetype.os", "groups").out.endswith("groups: all,compute\n")


@pytest.mark.parametrize(
    "words", [["nodehm.mgt=ipmi"], ["groups="], ["groups==all"], ["nodehm.mgt=ipmi", "groups^=all"]]
)
def test_a_node_without_groups_is_refused_and_leaves_no_rows(sb: Sb, where: Path, words: list[str]) -> None:
    text = "Attribute 'groups' is not specified for node '{}', skipping to the next node."
    assert sb("nodeadd", "x[1-2]", *words) == (1, "", error(text.format("x1"), text.format("x2")))
    with Site.open(where) as site:
        assert site.store.get("group", "x1") is None
        assert site.store.get("node", "x1") is None


def test_an_existing_node_is_changed(sb: Sb) -> None:
    sb("nodeadd", "n1", "groups=all", "nodetype.os=x")
    assert sb("nodeadd", "n[1-2]", "groups=c", "mgt=ipmi") == (0, "", "")
    assert sb("nodels", "n1", "nodetype.os", "groups", "mgt").out == (
        "n1: nodetype.os: x\nn1: groups: c\nn1: mgt: ipmi\n"
    )
    assert sb("nodeadd", "n1", "mgt=kvm").code == 0
    assert sb("nodels", "n1", "mgt").out == "n1: kvm\n"


def test_a_group_means_its_members(sb: Sb) -> None:
    sb("nodeadd", "n[1-2]", "groups=c")
    assert sb("nodeadd", "c", "groups=d").code == 0
    assert sb("nodels").out == "n1\nn2\n"
    assert sb("nodels", "d").out == "n1\nn2\n"


def test_a_new_node_takes_over_rows_that_tables_had_of_its_name(sb: Sb, where: Path) -> None:
    with Site.open(where) as site, site.store.write("test") as transaction:
        transaction.put("group", "n1", {"mgt": "ipmi"})
    sb("nodeadd", "n1", "groups=all")
    assert sb("nodels", "n1", "mgt").out == "n1: ipmi\n"
    with Site.open(where) as site:
        assert site.store.get("group", "n1") is None


@pytest.mark.parametrize(("name", "text"), [("a.b", "Cannot use '.' in node name."), ("a b", "Object Name Format")])
def test_a_bad_name_makes_nothing(sb: Sb, name: str, text: str) -> None:
    done = sb("nodeadd", f"n1,{name}", "groups=all")
    assert (done.code, done.out) == (1, "")
    assert text in done.err
    assert sb("nodels").out == ""


def test_a_range_of_nothing_makes_nothing(sb: Sb) -> None:
    assert sb("nodeadd", "/x.*", "groups=all") == (1, "", error("No noderange to add."))


def test_capitals_are_warned_of(sb: Sb) -> None:
    text = "contains capital letters which may not be resolved correctly by the dns server."
    assert sb("nodeadd", "N1,n2,n3X", "groups=all") == (0, "", warning(f"The node name 'N1,n3X' {text}"))
    assert sb("nodels").out == "N1\nn2\nn3X\n"


def test_unknown_columns_and_malformed_words(sb: Sb) -> None:
    assert sb("nodeadd", "n1", "magt=x") == (1, "", error("magt. not a valid table.column description"))
    assert sb("nodeadd", "n1", "groups=all", "foo") == (1, "", error("Malformed argument foo ignored."))
    assert sb("nodels").out == "n1\n"


def test_a_slip_in_the_range_is_pointed_at(sb: Sb) -> None:
    done = sb("nodeadd", "n[1-3", "groups=all")
    assert done.code == 1
    assert done.err.endswith("noderange: '[' is not closed\n  n[1-3\n   ^\n")
