"""Addresses are checked when they are stored, and when they are computed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.addresses import FORMS, wrong
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

RIGHT = {
    "address": ["10.9.0.30", "fd00::1", "::1", "::ffff:10.0.0.1"],
    "host": [
        "n1",
        "bmc-1.example.org",
        "10.0.0.1",
        "10.0.0.1:623",
        "[fd00::1]:623",
        "fd00::1",
        "bmc1:623",
        "<xcatmaster>",
    ],
    "hosts": ["10.0.0.5,<xcatmaster>", "ntp.example.org", "10.0.0.5, fd00::1"],
    "interfaces": ["-ib:10.1.0.1", "n1-eth1:10.1.0.1,-six:fd00::1"],
    "mask": ["255.255.255.0", "0.0.0.0", "/24", "24", "/64", "/128"],
    "net": ["10.0.0.0", "fd00::/64", "fd00::", "10.0.0.0/8"],
    "nicips": ["10.0.0.1", "10.0.0.1|fd00::1", "eth0!10.0.0.1|10.0.0.2,ib0!10.1.0.1", "dhcp", "eth0!|10.0.0.($1)|"],
    "ranges": ["10.0.0.100-10.0.0.200", "10.0.0.1,10.0.0.1", "10.0.0.1-10.0.0.9;10.0.1.0/24", "fd00::1-fd00::ff"],
}
WRONG = {
    "address": [
        "10.9.0.300",
        "10.9.0",
        "010.9.0.1",
        "n1",
        "10.0.0.1:22",
        "10.0.0.1,10.0.0.2",
        "fd00::1::2",
        "10.0.0.1/8",
    ],
    "host": ["10.9.0.300", "10.9.0", "10.9.0.300:623", "[fd00::1::2]:623", "fd00::12345", "1.2.3.4.5"],
    "hosts": ["10.0.0.5,10.0.0.256", "ntp.example.org,10.0.0"],
    "interfaces": ["10.1.0.1", "-ib:10.1.0.300", ":10.1.0.1", "-ib:10.1.0.1,-eth:", "-ib"],
    "mask": ["255.0.255.0", "/129", "255.255.255", "x", "/", "255.255.255.256", "/-1"],
    "net": ["10.0.0", "lab", "10.0.0.1/8", "10.0.0.0/33"],
    "nicips": ["10.0.0.300", "10.0.0.1|10.0.0", "eth0!10.0.0.1,ib0!10.1.0.300"],
    "ranges": [
        "10.0.0.100",
        "10.0.0.200-10.0.0.100",
        "10.0.0.1-fd00::1",
        "10.0.0.1-10.0.0.300",
        "10.0.0.1/24",
        ";",
        "a-b",
    ],
}


def of(examples: dict[str, list[str]]) -> list[tuple[str, str]]:
    assert examples.keys() == FORMS.keys()
    return [(form, value) for form, values in examples.items() for value in values]


@pytest.mark.parametrize(("form", "value"), of(RIGHT))
def test_right_addresses_are_taken(form: str, value: str) -> None:
    assert wrong(form, value) == ""


@pytest.mark.parametrize(("form", "value"), of(WRONG))
def test_wrong_addresses_are_refused(form: str, value: str) -> None:
    assert wrong(form, value)


@given(st.ip_addresses(), st.sampled_from(sorted({*FORMS} - {"interfaces", "mask", "ranges"})))
def test_every_address_is_an_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address, form: str) -> None:
    assert wrong(form, str(address)) == ""


@given(st.sampled_from(sorted(FORMS)), st.text(max_size=20) | st.text("0123456789.:/,;|!-[]af", max_size=20))
def test_any_text_is_right_or_wrong(form: str, text: str) -> None:
    assert isinstance(wrong(form, text), str)


@pytest.mark.parametrize(
    ("objtype", "attribute", "value"),
    [
        ("node", "ip", "10.9.0.300"),
        ("node", "bmc", "10.9.0.300"),
        ("node", "nicips.eth0", "10.9.0.300"),
        ("node", "otherinterfaces", "-ib:10.9.0.300"),
        ("node", "xcatmaster", "10.9.0.300"),
        ("group", "nameservers", "10.9.0.3,10.9.0.300"),
        ("network", "net", "10.9.0.300"),
        ("network", "dynamicrange", "10.9.0.3-10.9.0.300"),
        ("network", "gateway", "10.9.0.300"),
        ("site", "master", "10.9.0.300"),
        ("route", "mask", "255.0.255.0"),
    ],
)
def test_nothing_wrong_is_stored(tmp_path, objtype: str, attribute: str, value: str) -> None:
    whole = {"node": {"groups": "all", "mgt": "ipmi"}, "group": {}, "site": {}, "route": {}}
    with Site.open(tmp_path) as site:
        name = {"site": "clustersite"}.get(objtype, "n1")
        given = whole.get(objtype, {"net": "10.9.0.0", "mask": "/16"}) | {attribute: value}
        says = rf"{name}: '.*' is not a legal value of '{attribute}'\.\n  .*(300|255)"
        with pytest.raises(DefinitionError, match=says):
            site.set(objtype, name, **given)


def test_a_computed_address_is_checked_for_each_node(tmp_path) -> None:
    with Site.open(tmp_path) as site:
        site.set("group", "all", ip="|10.9.0.($1)|", **{"nicips.ib0": "|10.9.1.($1)|"})
        site.change("node", {name: {"groups": "all"} for name in ("n30", "n300", "login")})
        assert site.nodes["n30"].get("ip") == "10.9.0.30"
        assert site.nodes["n30"].get("nicips.ib0") == "10.9.1.30"
        for name, attribute in (("n300", "ip"), ("n300", "nicips.ib0")):
            says = rf"{name}: {attribute} of group all .*'10.9.\d.300' is not a legal"
            with pytest.raises(DefinitionError, match=says):
                site.nodes[name].get(attribute)
        with pytest.raises(DefinitionError, match=r"login: ip of group all cannot be computed: there is no \$1"):
            site.nodes["login"].get("ip")
        with pytest.raises(DefinitionError, match=r"n300: '10\.9\.0\.300' is not a legal value"):
            site.set("node", "n300", ip="|10.9.0.($1)|")
