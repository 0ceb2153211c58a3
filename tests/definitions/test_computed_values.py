"""Values computed from a node's name, values by network interface, and members that conditions select."""

import contextlib
import string
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions import nics, select
from sbkernel.definitions.computed.expression import evaluate
from sbkernel.definitions.seen import as_seen
from sbkernel.definitions.tables.attribute import is_expression
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

_NIC = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
_VALUE = st.from_regex(r"[A-Za-z0-9.:|/ =-]{1,12}", fullmatch=True).filter(lambda text: text.strip() == text)


@pytest.mark.parametrize(
    ("value", "node", "means"),
    [
        ("10.0.0.1", "n1", "10.0.0.1"),
        # The examples of xCAT's manual: xcatdb(5) and its page on regular expressions.
        (r"|\z|-imm|", "oc001", "oc001-imm"),
        (r"/\z/-bmc/", "oc001", "oc001-bmc"),
        (r"|(.*)|($1)-xcc|", "oc001", "oc001-xcc"),
        (r"|rack(\d+)|r($1)-($1+0)|", "rack07", "r07-7"),
        (r"|node(\d+)|10.0.0.($1+0)|", "node012", "10.0.0.12"),
        ("|10.0.0.($1+0)|", "node012", "10.0.0.12"),
        (r"|\D+(\d+)|cmm(sprintf('%02d',($1-1)/14+1))|", "node20", "cmm02"),
        (r"|\D+(\d+)|(($1-1)%14+1)|", "node20", "6"),
        (r"|\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+)|c($1)f($2)x($3)|", "c01f02x03v04", "c01f02x03"),
        (r"|\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+)|dir:///install/vms/vm($4+0)|", "c01f02x03v04", "dir:///install/vms/vm4"),
        ("|(dim2idx(2,10,3,8,4,8,5))|", "n1", "797"),
        ("|(skip(10,'3')).(skip(10,'3:2')).(skip(10,'3:2,6')).(skip(4,'3:2'))|", "n1", "9.8.7.-1"),
        ("|(ipadd(10,10,10,10,0,0,0))|", "n1", "10.10.10.10"),
        ("|(ipadd(10,10,10,10,245,0,0)).(ipadd(10,10,10,10,246,0,0))|", "n1", "10.10.10.255.10.10.11.0"),
        (r"|n(\w)(\w)|(a2idx($1))-(a2zidx($2))-(mknum('ab'))|", "nbC", "2-2-195"),
        # What is outside the part that matches stays.
        (r"|(\d+)|($1+0)|", "rack07b", "rack7b"),
        (r"|\D+(\d+)|10.0.0.($1+10)|", "node7", "10.0.0.17"),
        (r"|^(.*)$|$1-bmc|", "n7", "n7-bmc"),
        (r"|(n)(\d+)|${2}x$1|", "n7", "7xn"),
        ("|bmc($1)|", "n007", "bmc7"),
        ("|r($1)u($2)|", "rack2n07", "r2u7"),
        ("|10.0.(($1-1)/254).(($1-1)%254+1)|", "n300", "10.0.1.46"),
        ("|10.0.0.((($1)))|", "n9", "10.0.0.9"),
        (r"|n(\d+)|((($1)))-(($1)+0)|", "n09", "09-9"),
        ("|(0-7/2)|", "n1", "-3"),
        (r"|(n)(x)?|$1($2)($2+1)|", "n", "n1"),
        # A regex that matches nothing leaves the name, a blank is a blank.
        (r"|x(\d)|y$1|", "n1", "n1"),
        (r"|node(\d+)|10.0.0.($1+0)|", "login1", "login1"),
        ("|^.*$||", "n1", ""),
        ("||", "n1", ""),
        ("///", "n1", "n1"),
        # perl's spelling of regular expressions.
        (r"|^(?<stem>[[:alpha:]]+)[[:digit:]]+\z|$1|", "rack07", "rack"),
        # Text that is no arithmetic at all.
        (r"|n(\d)|:-)|", "n1", ":-)"),
        (r"|n(\d)|x(1)(2|", "n1", "x1(2"),
        (r"|n(\d)|a|b|", "n1", "a|b"),
        ("1.1.1.1|2.2.2.2", "n1", "1.1.1.1|2.2.2.2"),
        ("/srv/tftp", "n1", "/srv/tftp"),
        ("|", "n1", "|"),
    ],
)
def test_expressions(value: str, node: str, means: str) -> None:
    assert evaluate(value, node) == means


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("|(1/0)|", "division by zero"),
        ("|(5%0)|", "division by zero"),
        ("|(2**9)|", r"'\*' is not expected"),
        ("|(__import__)|", "no function __import__"),
        ("|(system('x'))|", "no function system"),
        ("|(1+)|", "something is missing"),
        ("|()|", "something is missing"),
        ("|(1,2)|", "',' is not expected"),
        ("|('x'+1)|", "'x' is not a number"),
        (r"|(\D+)|($1+1)|", "'n' is not a number"),
        ("|(010+1)|", "octal"),
        ("|(99999999999*99999999999)|", "too big"),
        ("|n(|$1|", "not a regular expression"),
        ("|n|$3|", r"no \$3: the regular expression has 0 groups"),
        ("|($2)|", r"no \$2: the name has 1 number"),
        (r"/n(\d)/$2/", r"no \$2: the regular expression has 1 group"),
        ("|(sprintf('%02d'))|", "has no value"),
        ("|(sprintf('%n',1))|", "is not known"),
        ("|(sprintf('%x',0-1))|", "cannot be written"),
        ("|(a2idx())|", "not expected"),
        ("|(ipadd(1,2))|", "ipadd takes 7 values, not 2"),
        ("|(a2idx('7'))|", "does not begin with a letter"),
        ("|" + "(" * 60 + "1" + ")" * 60 + "|", "more than 50"),
        ("|(" + "-" * 60 + "1)|", "more than 50"),
    ],
)
def test_what_cannot_be_computed_is_an_error(value: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        evaluate(value, "n1")


@given(st.text(), st.sampled_from("|/"), st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True))
def test_any_value_means_something_or_is_refused(inside: str, mark: str, node: str) -> None:
    for value in (inside, f"{mark}{inside}{mark}"):
        with contextlib.suppress(DefinitionError):
            means = evaluate(value, node)
            assert isinstance(means, str)
            assert means == value or is_expression(value)


_NUMBER = st.integers(0, 999).map(str)
_ARITHMETIC = st.recursive(
    st.one_of(_NUMBER, st.sampled_from(["$1", "${2}", "$2"])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", " - ", " * ", "/", "%"]), inner).map("".join),
        inner.map("({})".format),
        inner.map("- {}".format),
        st.tuples(st.sampled_from(["%d", "%03d", "%5s", "%-4d"]), inner).map(
            lambda one: "sprintf('{}',{})".format(*one)
        ),
    ),
    max_leaves=8,
)


class Perl:
    """What perl makes of arithmetic: it is xCAT's own evaluator."""

    def __init__(self) -> None:
        loop = "$|=1; while (<STDIN>) { chomp; 'n007x12' =~ /n(\\d+)x(\\d+)/; my $v = eval \"use integer;$_\"; "
        loop += 'print defined $v ? "=$v\\n" : "!\\n" }'
        self._process = subprocess.Popen(["perl", "-e", loop], stdin=-1, stdout=-1, text=True)

    def evaluate(self, text: str) -> str | None:
        """Return what perl evaluates a text to, None when it cannot."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"({text})\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().removesuffix("\n")
        return None if said == "!" else said[1:]

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@pytest.fixture(scope="module")
def perl() -> Iterator[Perl]:
    started = Perl()
    yield started
    started.close()


@given(text=_ARITHMETIC)
def test_arithmetic_is_that_of_perl(perl: Perl, text: str) -> None:
    wanted = perl.evaluate(text)
    try:
        found = evaluate(rf"|n(\d+)x(\d+)|({text})|", "n007x12")
    except DefinitionError as error:
        assert wanted is None or "too big" in error.message
    else:
        assert found == wanted


@given(st.text(alphabet=string.digits + "+-*/%() $1,'", max_size=30))
def test_any_arithmetic_ends(text: str) -> None:
    with contextlib.suppress(DefinitionError):
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


def test_interfaces_are_computed() -> None:
    for value in (r"|\D+(\d+)|eth0!10.0.0.($1)|", "eth0!|10.0.0.($1)|", r"eth0!|n(\d+)|10.0.0.($1+0)|"):
        assert dict(as_seen("n4", {"nicips": value}, {})) == {"nicips.eth0": "10.0.0.4"}
    seen = as_seen("n4", {"groups": "g"}, {"g": {"nicips": "eth0!1.1.1.1,ib0!|10.0.0.($2)|"}})
    assert seen.sound == {"groups": "g", "nicips.eth0": "1.1.1.1"}
    with pytest.raises(DefinitionError, match=r"n4: nicips.ib0 of group g cannot be computed: there is no \$2"):
        _ = seen["nicips.ib0"]


def test_dynamic_groups() -> None:
    nodes = {"n1": {"mgt": "ipmi"}, "n2": {"mgt": "kvm"}, "n3": {}}
    group = {"grouptype": "dynamic", "wherevals": "mgt=~ipmi|kvm::node!=n2"}
    assert select.chosen(select.conditions_of(group), nodes) == ["n1"]
    assert select.chosen(select.conditions_of({"wherevals": "nonsense"}), nodes) == []
    assert select.chosen((), nodes) == []
    with pytest.raises(DefinitionError, match="'foo'"):
        select.check(select.conditions_of({"wherevals": "foo==1"}))
    select.check(select.conditions_of({"wherevals": "nicips.eth0==1::node==n1"}))


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


def test_one_broken_row_is_an_error_where_it_is_read(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        values = {"bmc": "|bmc(100/($1-7))|", "bmcpassword": "|s3(1/($1-7))|"}
        site.set("group", "ipmi", mgt="ipmi", **values)
        site.change("node", {name: {"groups": "ipmi"} for name in ("rack06", "rack07", "rack08")})
        nodes = site.nodes.many(site.nodes)
        assert [nodes[name].get("bmc") for name in ("rack06", "rack08")] == ["bmc-100", "bmc100"]
        broken = nodes["rack07"]
        with pytest.raises(DefinitionError, match="rack07: bmc of group ipmi cannot be computed: division by zero"):
            broken.get("bmc")
        with pytest.raises(DefinitionError, match=r"bmcpassword of group ipmi cannot be computed\n"):
            broken.get("bmcpassword")
        with pytest.raises(DefinitionError, match="bmc of group ipmi"):
            dict(broken.attributes)
        assert (broken.get("mgt"), broken.peek("bmc", "none")) == ("ipmi", "none")
        shown = f"{broken!r} {site.nodes!r} {broken.attributes.faults}" + site.nodes.df.to_string()
        assert "cannot be computed" in shown
        assert "s3" not in shown
        site.set("node", "rack07", bmc="10.0.0.1", bmcpassword="x")
        assert site.nodes["rack07"].get("bmc") == "10.0.0.1"


def test_what_no_name_can_make_sense_of_is_refused_when_it_is_stored(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        for value, says in (("|n(|x|", "not a regular expression"), ("|n|($1)|", r"no \$1"), ("|(1+)|", "missing")):
            with pytest.raises(DefinitionError, match=says):
                site.set("group", "all", ip=value)
        site.set("group", "all", ip="|10.0.0.($2+0)|", tftpdir="/srv/tftp/", nfsdir="|/srv/r($2)/|")
        site.set("node", "n1r2", groups="all")
        node = site.nodes["n1r2"]
        assert [node.get(key) for key in ("ip", "tftpdir", "nfsdir")] == ["10.0.0.2", "/srv/tftp/", "/srv/r2/"]
        with pytest.raises(DefinitionError, match="n1r2: 'ip' cannot be computed from"):
            site.set("node", "n1r2", ip="|(1/0)|")
        with pytest.raises(DefinitionError, match="not a legal value of 'serialport'"):
            site.set("node", "n1r2", serialport="|x($1)|")


def test_members_that_cannot_be_found_out_are_an_error(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        site.set("group", "all", ip="|10.0.0.(100/($1-1))|")
        site.change("node", {name: {"groups": "all"} for name in ("n1", "n2")})
        site.set("group", "d", grouptype="dynamic", wherevals="ip==10.0.0.100")
        assert site.groups["d"].get("grouptype") == "dynamic"
        for ask in (
            lambda: site.groups["d"].get("members"),
            lambda: site.noderange("d"),
            lambda: site.nodes.where("ip=~9"),
        ):
            with pytest.raises(DefinitionError, match="n1: ip of group all cannot be computed"):
                ask()
        with pytest.raises(DefinitionError, match="n1: ip of group all cannot be computed"):
            site.noderange("hosts.ip==10.0.0.100")
        assert [one.name for one in site.groups.many(site.groups).values()] == ["all", "d"]


def test_a_comment_that_only_looks_like_an_expression_is_text(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        site.set("node", "n1", groups="all", usercomment="|see ticket (4711|12)|", mgt="ipmi")
        site.set("group", "all", provmethod="|(1/0)|", mgt="ipmi")
        assert site.nodes["n1"].get("usercomment") == "|see ticket (4711|12)|"
        with site.store.write("a table") as transaction:
            more = {"nodehm.comments": "|(|x|", "ipmi.bmcid": "|(1/0)|"}
            transaction.put("node", "n1", {**(transaction.get("node", "n1") or {}), **more})
        assert list(site.nodes["n1"].attributes.faults) == ["provmethod"]
        assert "(cannot be computed)" in repr(site.nodes)
