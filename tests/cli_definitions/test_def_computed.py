"""Values computed from nodes' names on the command line: xCAT's examples, and one row that cannot be computed."""

from pathlib import Path

import pytest
from sbrun import Sb, error, made

BROKEN = r"|n(\d+)|10.0.0.(20+8/($1-2))|"
SAID = f"n2: ip of group all cannot be computed: division by zero\n  The value is {BROKEN}"


@pytest.fixture
def three(sb: Sb) -> Sb:
    """Nodes n1, n2 and n3 that get their address from group all; for n2 it cannot be computed."""
    assert sb("mkdef", "n1,n2,n3", "groups=all", "mgt=kvm").out == made(3)
    assert sb("chdef", "-t", "group", "all", f"ip={BROKEN}").code == 0
    return sb


@pytest.mark.parametrize(
    ("value", "bmc"), [(r"|\z|-imm|", "oc001-imm"), (r"/\z/-bmc/", "oc001-bmc"), ("|(.*)|($1)-xcc|", "oc001-xcc")]
)
def test_examples_of_the_manual(sb: Sb, value: str, bmc: str) -> None:
    assert sb("mkdef", "-t", "group", "ipmi", "mgt=ipmi", f"bmc={value}").code == 0
    assert sb("mkdef", "oc001", "groups=ipmi").code == 0
    assert sb("lsdef", "oc001", "-i", "bmc").out == f"Object name: oc001\n    bmc={bmc}\n"
    assert sb("nodels", "oc001", "ipmi.bmc").out == f"oc001: {bmc}\n"
    assert sb("lsdef", "-t", "group", "ipmi", "-i", "bmc").out == f"Object name: ipmi\n    bmc={value}\n"


def test_the_listing_of_the_others_goes_on(three: Sb) -> None:
    shown = three("lsdef", "n1-n3", "-i", "ip,mgt")
    lines = ["n1", "    ip=10.0.0.12", "    mgt=kvm", "n2", "    mgt=kvm", "n3", "    ip=10.0.0.28", "    mgt=kvm"]
    assert shown.out == "".join(f"{'' if line[0] == ' ' else 'Object name: '}{line}\n" for line in lines)
    assert (shown.err, shown.code) == (error(SAID), 1)
    compressed = three("lsdef", "n1-n3", "-i", "ip", "-c")
    assert (compressed.out, compressed.code) == ("n1: ip=10.0.0.12\nn3: ip=10.0.0.28\n", 1)
    stanzas = three("lsdef", "n1-n3", "-z")
    assert (stanzas.out.count("    ip="), stanzas.err, stanzas.code) == (2, error(SAID), 1)


def test_what_is_not_asked_for_is_not_complained_of(three: Sb) -> None:
    for words in (("n1,n3",), ("n1-n3", "-i", "mgt"), ("n1-n3", "-s"), ("-t", "group", "all"), ("-w", "mgt==kvm")):
        shown = three("lsdef", *words)
        assert (shown.err, shown.code) == ("", 0), words
        assert "cannot be computed" not in shown.out


def test_conditions_on_it_are_said_to_be_undecided(three: Sb) -> None:
    shown = three("lsdef", "-w", "ip=~28$")
    assert (shown.out, shown.err, shown.code) == ("n3  (node)\n", error(SAID), 1)
    assert three("mkdef", "-t", "group", "far", "-d", "-w", "ip=~28$").code == 0
    assert three("mkdef", "-t", "group", "near", "-w", "mgt==kvm").code == 0, "it does not depend on that"
    assert three("mkdef", "-t", "group", "fixed", "-w", "ip=~28$").err.count(SAID) == 1
    shown = three("lsdef", "-t", "group", "far,all", "-i", "members")
    assert shown.out == "Object name: all\n    members=n1,n2,n3\nObject name: far\n"
    assert shown.err == error(f"the members of group far cannot be found: {SAID}")
    refused = three("nodels", "far")
    assert (refused.out, refused.code) == ("", 1)
    assert "n2: ip of group all cannot be computed" in refused.err


def test_nodels_shows_the_other_columns_and_nodes(three: Sb) -> None:
    shown = three("nodels", "n1-n3", "hosts.ip", "mgt")
    assert shown.out.splitlines() == [
        "n1: hosts.ip: 10.0.0.12", "n1: mgt: kvm", "n2: mgt: kvm", "n3: hosts.ip: 10.0.0.28", "n3: mgt: kvm",
    ]  # fmt: skip
    assert (shown.err, shown.code) == (error(SAID), 1)
    shown = three("nodels", "n1-n3", "hosts.ip==10.0.0.28")
    assert (shown.out, shown.err, shown.code) == ("n3\n", error(SAID), 1)


def test_an_own_value_mends_it(three: Sb) -> None:
    assert three("chdef", "n2", "ip=10.0.0.99").code == 0
    shown = three("lsdef", "n1-n3", "-i", "ip", "-c")
    assert (shown.out, shown.code) == ("n1: ip=10.0.0.12\nn2: ip=10.0.0.99\nn3: ip=10.0.0.28\n", 0)


def test_nonsense_is_refused_when_it_is_given(sb: Sb, where: Path) -> None:
    assert sb("mkdef", "n1", "groups=all").code == 0
    for verb in (
        ("chdef", "-t", "group", "all", r"ip=|n(\d|10.0.0.($1+0)|"),
        ("chtab", "node=all", r"hosts.ip=|n(\d|10.0.0.($1+0)|"),
        ("nodegrpch", "all", r"hosts.ip=|n(\d|10.0.0.($1+0)|"),
        ("nodech", "n1", "hosts.ip=|(1/0)|"),
    ):
        refused = sb(*verb)
        assert (refused.out, refused.code) == ("", 1), verb
        assert "ip' cannot be computed from |" in refused.err
    assert sb("tabdump", "hosts").out.count("\n") == 1
