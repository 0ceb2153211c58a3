"""nodech, nodegrpch and noderm: what they change, what they refuse, and that nothing is half done."""

import shlex
from pathlib import Path

import pytest
from sbrun import Sb, error

from sbkernel.site import Site


@pytest.fixture(autouse=True)
def nodes(sb: Sb) -> None:
    sb("nodeadd", "n[1-3]", "groups=c", "nodehm.mgt=ipmi")


def column(sb: Sb, name: str, node: str = "n1") -> str:
    return sb("nodels", node, name, "--reveal").out.partition(": ")[2].removesuffix("\n")


def stored(where: Path, objtype: str, name: str) -> dict[str, str] | None:
    with Site.open(where) as site:
        return site.store.get(objtype, name)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["nodetype.os=debian12"], "nodetype.os", "debian12"),
        (["tags=a,b"], "groups", "a,b"),
        (["mgt=kvm"], "mgt", "kvm"),
        (["nodelist.comments=@=foo"], "nodelist.comments", "=foo"),
        (["nodelist.comments=@@hi"], "nodelist.comments", "@hi"),
        (["nodelist.comments=a==b"], "nodelist.comments", "a==b"),
        (["nodelist.comments=x y: z"], "nodelist.comments", "x y: z"),
        (["groups,=a,b"], "groups", "b,a,c"),
        (["groups,=c"], "groups", "c"),
        (["groups,=a", "groups^=c"], "groups", "a"),
        (["groups^=c", "groups,=z"], "groups", "z"),
        (["groups^=x"], "groups", "c"),
        (["nodelist.comments,=a,b"], "nodelist.comments", "a,b"),
        (["nodehm.comments=of nodehm"], "nodehm.comments", "of nodehm"),
        (["nodehm.mgt="], "mgt", ""),
        (["ipmi.bmc=10.0.0.1", "mgt="], "ipmi.bmc", "10.0.0.1"),
        (["openbmc.bmc=10.0.0.2"], "openbmc.bmc", "10.0.0.2"),
        (["nics.nicips=eth0!10.0.0.1,ib0!10.1.0.1"], "nics.nicips", "eth0!10.0.0.1,ib0!10.1.0.1"),
        (["mgt==ipmi", "nodetype.os=a"], "nodetype.os", "a"),
        (["mgt==kvm", "nodetype.os=a"], "nodetype.os", ""),
        (["nodetype.os!=b", "mgt=~^ip", "nodetype.os=a"], "nodetype.os", "a"),
    ],
)
def test_assignments(sb: Sb, words: list[str], name: str, value: str) -> None:
    assert sb("nodech", "n1", *words) == (0, "", "")
    assert column(sb, name) == value
    assert column(sb, "groups", "n2") == "c"


def test_an_empty_value_clears_so_that_groups_lend_again(sb: Sb, where: Path) -> None:
    sb("nodech", "n1", "mgt=")
    sb("nodegrpch", "c", "nodehm.mgt=kvm")
    sb("nodech", "n1", "mgt=ipmi")
    assert column(sb, "mgt") == "ipmi"
    sb("nodech", "n1", "mgt=")
    assert column(sb, "mgt") == "kvm"
    assert stored(where, "node", "n1") == {"groups": "c"}


def test_items_are_put_before_those_that_a_group_lends(sb: Sb) -> None:
    sb("nodegrpch", "c", "postscripts.postscripts=b")
    sb("nodech", "n1", "postscripts.postscripts,=a")
    assert column(sb, "postscripts.postscripts") == "a,b"


def test_a_word_without_an_operator_is_named_and_the_rest_done(sb: Sb) -> None:
    done = sb("nodech", "n1", "foo", "nodetype.os=x")
    assert done == (1, "", error("Malformed argument foo ignored."))
    assert column(sb, "nodetype.os") == "x"


@pytest.mark.parametrize(
    ("word", "named"),
    [("foo=bar", "foo."), ("nodehm.foo=1", "nodehm.foo"), ("no.such=1", "no.such"), ("foo==1", "foo.")],
)
def test_an_unknown_column_changes_nothing(sb: Sb, word: str, named: str) -> None:
    done = sb("nodech", "n1", "nodetype.os=x", word)
    assert done == (1, "", error(f"{named} not a valid table.column description"))
    assert column(sb, "nodetype.os") == ""


def test_an_illegal_value_changes_no_node(sb: Sb) -> None:
    done = sb("nodech", "n[1-3]", "nodetype.os=x", "nodehm.serialport=many")
    assert (done.code, done.out) == (1, "")
    assert "'many' is not a legal value of 'serialport'" in done.err
    assert column(sb, "nodetype.os", "n3") == ""


def test_the_name_of_a_node_is_not_a_column_to_change(sb: Sb) -> None:
    assert "nodelist.node: the name of a node is not changed here" in sb("nodech", "n1", "nodelist.node=x").err


def test_unknown_nodes_change_nothing(sb: Sb) -> None:
    assert sb("nodech", "n1,n9", "mgt=kvm") == (1, "", "Error: Invalid nodes and/or groups in noderange: n9\n")
    assert column(sb, "mgt") == "ipmi"


def test_delete_rows(sb: Sb, where: Path) -> None:
    sb("nodech", "n1", "nodehm.comments=x", "nodetype.os=y")
    assert sb("nodech", "-d", "n1", "nodehm") == (0, "", "")
    assert stored(where, "node", "n1") == {"groups": "c", "os": "y"}
    done = sb("nodech", "n1", "nodetype", "--delete", "a.b", "nope", "site")
    unable = "ERROR: Unable to open table {} in configuration"
    expected = error(". and = not valid in delete mode.", unable.format("nope"), unable.format("site"))
    assert done == (1, "", expected)
    assert stored(where, "node", "n1") == {"groups": "c"}


def test_without_its_row_in_nodelist_a_node_is_gone_and_leaves_no_other_rows(sb: Sb, where: Path) -> None:
    assert sb("nodech", "-d", "n1", "nodelist").code == 0
    assert stored(where, "node", "n1") is None
    assert stored(where, "group", "n1") is None


@pytest.mark.parametrize(
    "words",
    [
        "nodech",
        "nodech n1",
        "nodech -d",
        "nodech -d n1",
        "nodech -q",
        "nodegrpch",
        "nodegrpch -c",
        "noderm",
        "noderm ''",
        "nodech '' mgt=ipmi",
        "nodeadd x",
    ],
)
def test_usage_when_words_are_missing(sb: Sb, words: str) -> None:
    done = sb(*shlex.split(words))
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("Usage:")
    assert sb(words.split()[0], "-h") == (0, done.out, "")


def test_a_dynamic_group_is_warned_of_and_set(sb: Sb) -> None:
    sb("mkdef", "-t", "group", "-o", "dyn", "-d", "-w", "mgt==ipmi")
    text = "nodegroup dyn is a dynamic node group, should not add a node into a dynamic node group statically.\n\n"
    assert sb("nodech", "n1,n2", "groups=dyn") == (0, text * 2, "")
    assert column(sb, "groups") == "dyn"
    assert sb("nodeadd", "n7", "groups=c,dyn") == (0, text, "")
    assert sb("nodegrpch", "dyn", "mgt=kvm") == (1, "", error("Can not assign attributes to dynamic node group 'dyn'."))


def test_nodegrpch_makes_all_members_inherit(sb: Sb, where: Path) -> None:
    assert sb("nodegrpch", "c,later", "mgt=kvm", "nodetype.os=x") == (0, "", "")
    assert stored(where, "node", "n1") == {"groups": "c"}
    assert column(sb, "mgt", "n3") == "kvm"
    sb("nodeadd", "n8", "groups=later")
    assert column(sb, "nodetype.os", "n8") == "x"
    assert sb("nodegrpch", "c", "mgt=") == (0, "", "")
    assert column(sb, "mgt") == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["groups=x"], "Group membership is not changeable via nodegrpch"),
        (["tags=x"], "Group membership is not changeable via nodegrpch"),
        (["nodehm.mgt,=x"], ",= and ^= are not supported by nodegrpch"),
        (["nodehm.mgt^=x"], ",= and ^= are not supported by nodegrpch"),
        (["nodehm.foo=x"], "nodehm.foo not a valid table.column description"),
    ],
)
def test_nodegrpch_refuses(sb: Sb, words: list[str], text: str) -> None:
    assert sb("nodegrpch", "c", "mgt=kvm", *words) == (1, "", error(text))
    assert column(sb, "mgt") == "ipmi"


def test_nodegrpch_of_a_group_alone_is_silent_and_of_a_node_refused(sb: Sb) -> None:
    assert sb("nodegrpch", "c") == (0, "", "")
    assert "'n1' is a node, not a group" in sb("nodegrpch", "n1", "mgt=kvm").err


def test_noderm_of_nodes_and_of_a_group(sb: Sb, where: Path) -> None:
    sb("nodegrpch", "c", "nodetype.os=x")
    assert sb("noderm", "n1") == (0, "", "")
    assert sb("noderm", "n1") == (1, "", "Error: Invalid nodes and/or groups in noderange: n1\n")
    assert sb("noderm", "c") == (0, "", "")
    assert sb("nodels") == (0, "", "")
    assert stored(where, "group", "c") == {"os": "x"}
    assert "noderange can not contain spaces." in sb("noderm", "n1", "n2").err
