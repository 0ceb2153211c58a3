"""Values computed from a node's name, values by network interface, and members that conditions select."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions import dynamic, nics
from sbkernel.definitions.expression import evaluate, is_expression
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_NIC = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
_VALUE = st.from_regex(r"[A-Za-z0-9.:|/ =-]{1,12}", fullmatch=True).filter(lambda text: text.strip() == text)


@pytest.mark.parametrize(
    ("value", "node", "means"),
    [
        ("10.0.0.1", "n1", "10.0.0.1"),
        (r"|\D+(\d+)|10.0.0.($1+10)|", "node7", "10.0.0.17"),
        (r"|^(.*)$|$1-bmc|", "n7", "n7-bmc"),
        (r"|(n)(\d+)|${2}x$1|", "n7", "7xn"),
        ("|bmc($1)|", "n007", "bmc7"),
        ("|r($1)u($2)|", "rack2n07", "r2u7"),
        ("|10.0.(($1-1)/254).(($1-1)%254+1)|", "n300", "10.0.1.46"),
        ("|10.0.0.((($1)))|", "n9", "10.0.0.9"),
        ("|(0-7/2)|", "n1", "-3"),
        (r"|x(\d)|y$1|", "n1", "n1"),
        ("|^.*$||", "n1", ""),
        ("|(1/0)|", "n1", ""),
        ("|(2**9)|", "n1", ""),
        ("|(__import__)|", "n1", ""),
        (r"|n(|$1|", "n1", ""),
        ("|n|$3|", "n1", ""),
        ("||", "n1", "||"),
        ("1.1.1.1|2.2.2.2", "n1", "1.1.1.1|2.2.2.2"),
    ],
)
def test_expressions(value: str, node: str, means: str) -> None:
    assert evaluate(value, node) == means


@given(st.text(), st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True))
def test_any_value_means_something(inside: str, node: str) -> None:
    assert isinstance(evaluate(f"|{inside}|", node), str)
    assert evaluate(inside, node) == inside or is_expression(inside)


@given(st.text(alphabet=string.digits + "+-*/%() $1", max_size=30))
def test_any_arithmetic_ends(text: str) -> None:
    assert isinstance(evaluate(f"|({text})|", "n1"), str)


@given(st.dictionaries(_NIC, _VALUE, max_size=5))
def test_interfaces_come_back(pairs: dict[str, str]) -> None:
    words = {f"nicips.{nic}": value for nic, value in pairs.items()}
    kept = nics.folded({}, words)
    assert kept.keys() <= {"nicips"}
    assert nics.spread(kept) == words
    assert nics.folded(kept, dict.fromkeys(words, "")).get("nicips", "") == ""


def test_one_interface_leaves_the_others() -> None:
    before = {"nicips": "eth0!1.1.1.1|2.2.2.2,ib0!3.3.3.3"}
    assert nics.folded(before, {"nicips.ib0": "4.4.4.4"}) == {"nicips": "eth0!1.1.1.1|2.2.2.2,ib0!4.4.4.4"}
    assert nics.folded(before, {"nicips.eth0": ""}) == {"nicips": "ib0!3.3.3.3"}
    assert nics.folded(before, {"nicips": "x!1", "nicips.y": "2"}) == {"nicips": "x!1,y!2"}
    assert nics.spread({"nicextraparams": "eth0!a=1,b=2,eth1!c=3"}) == {
        "nicextraparams.eth0": "a=1,b=2", "nicextraparams.eth1": "c=3",
    }  # fmt: skip
    whole = {"nicips": r"|\D+(\d+)|eth0!10.0.0.($1)|", "nictypes": "eth0!Ethernet"}
    assert nics.spread({"nicips": evaluate(whole["nicips"], "n4")}, "n4") == {"nicips.eth0": "10.0.0.4"}
    assert nics.spread({"nicips": "eth0!|10.0.0.($1)|"}, "n4") == {"nicips.eth0": "10.0.0.4"}


def test_dynamic_groups() -> None:
    nodes = {"n1": {"mgt": "ipmi"}, "n2": {"mgt": "kvm"}, "n3": {}}
    group = {"grouptype": "dynamic", "wherevals": "mgt=~ipmi|kvm::node!=n2"}
    assert dynamic.chosen(dynamic.conditions_of(group), nodes) == ["n1"]
    assert dynamic.chosen(dynamic.conditions_of({"wherevals": "nonsense"}), nodes) == []
    assert dynamic.chosen((), nodes) == []
    with pytest.raises(DefinitionError, match="'foo'"):
        dynamic.check(dynamic.conditions_of({"wherevals": "foo==1"}))
    dynamic.check(dynamic.conditions_of({"wherevals": "nicips.eth0==1::node==n1"}))


def test_seen_and_stored(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        site.set("group", "all", ip=r"|\D+(\d+)|10.0.0.($1)|", mgt="ipmi")
        site.set("node", "n5", groups="all", **{"nicips.eth0": "1.2.3.4"}, usercomment="|^.*$||")
        node = site.nodes["n5"]
        assert (node.get("ip"), node.get("nicips.eth0"), node.get("usercomment")) == ("10.0.0.5", "1.2.3.4", "")
        assert site.store.get("node", "n5") == {"groups": "all", "nicips": "eth0!1.2.3.4", "usercomment": "|^.*$||"}
        site.set("group", "d", grouptype="dynamic", wherevals="ip==10.0.0.5")
        assert site.groups["d"].get("members") == "n5"
        assert site.noderange("d") == ["n5"]
        assert "xcatdefaults" not in site.groups
        with pytest.raises(DefinitionError, match="dynamic node group"):
            site.set("group", "d", mgt="kvm")
