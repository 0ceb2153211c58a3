"""Tables are views: every attribute has its column, every column its attribute."""

import pytest

from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.definitions.xcattables.columns import (
    TABLES,
    attribute_in,
    column_of,
    is_hidden,
    location,
    place,
    settled,
    table_of,
    value_in,
)
from sbkernel.errors import NotFoundError

OF_NODES = (
    "bmcfingerprint", "bmchostkey", "bmckg", "bmcsystem", "diskimage", "held", "rootkind", "simulated", "throwaway",
    "vmfirmware", "vmsshport",
)  # fmt: skip
OURS = {
    ("osimage", "parent"),
    ("osimage", "buildhost"),
    ("osimage", "buildshared"),
    ("osimage", "rootkind"),
    ("osimage", "gate"),
    ("osimage", "testbootbudget"),
    ("osimage", "testbootscripts"),
    *((objtype, name) for objtype in ("node", "group") for name in OF_NODES),
}
NODEHM = (
    "node,power,mgt,cons,termserver,termport,conserver,serialport,serialspeed,serialflow,getmac,cmdmapping,"
    "consoleondemand,consoleenabled,comments,disable"
)


def test_there_are_xcats_tables() -> None:
    assert list(TABLES) == sorted(TABLES)
    assert ",".join(table_of("nodehm").columns) == NODEHM
    assert table_of("deps").columns == ("node", "nodedep", "msdelay", "cmd", "comments", "disable")
    with pytest.raises(NotFoundError, match="No such table: nodehw"):
        table_of("nodehw")


@pytest.mark.parametrize("objtype", [objtype for objtype in TYPES if objtype != "site"])
def test_every_attribute_lies_in_a_column_that_exists(objtype: str) -> None:
    for attribute in attributes_of(objtype).values():
        is_ours = (objtype, attribute.name) in OURS or attribute.name.startswith("passwd.")
        assert bool(attribute.places) is not is_ours, attribute
        for where in attribute.places:
            table, _, column = where.partition(".")
            assert column in TABLES[table].columns, attribute


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("nodelist", "node", ("node", "node")),
        ("nodehm", "mgt", ("node", "mgt")),
        ("nodehm", "comments", ("node", "nodehm.comments")),
        ("nodelist", "comments", ("node", "usercomment")),
        ("ipmi", "password", ("node", "bmcpassword")),
        ("openbmc", "bmc", ("node", "bmc")),
        ("nodepos", "u", ("node", "unit")),
        ("vm", "cpus", ("node", "vmcpus")),
        ("switches", "sshpassword", ("node", "password")),
        ("linuximage", "comments", ("osimage", "usercomment")),
        ("osimage", "comments", ("osimage", "osimage.comments")),
        ("networks", "net", ("network", "net")),
        ("nodegroup", "wherevals", ("group", "wherevals")),
        ("passwd", "key", ("passwd", "key")),
        ("litefile", "options", ("table.litefile", "options")),
    ],
)
def test_columns_and_their_attributes(table: str, column: str, expected: tuple[str, str]) -> None:
    assert place(table, column) == expected


@pytest.mark.parametrize("name", ["foo.bar", "nodehm.mg", "nodehm.", "foo."])
def test_unknown_columns_are_named(name: str) -> None:
    table, _, column = name.partition(".")
    with pytest.raises(NotFoundError, match=f"^{name} not a valid table.column description$"):
        place(table, column)


def test_other_attributes_decide_where_one_lies() -> None:
    assert location("node", "bmc", {"mgt": "ipmi"}) == ("ipmi", "node", "bmc")
    assert location("node", "bmc", {"mgt": "openbmc"}) == ("openbmc", "node", "bmc")
    assert location("node", "bmc", {}) == ("ipmi", "node", "bmc")
    assert location("node", "username", {"nodetype": "switch"}) == ("switches", "switch", "sshusername")
    assert location("node", "username", {"nodetype": "osi,switch"}) == ("switches", "switch", "sshusername")
    assert location("osimage", "pkglist", {}) == ("linuximage", "imagename", "pkglist")
    assert location("osimage", "template", {"imagetype": "windows"}) == ("winimage", "imagename", "template")
    assert location("site", "master", {}) == ("site", "key", "master")
    assert location("osimage", "parent", {}) is None
    assert location("node", "nicips.eth0", {}) == ("nics", "node", "nicips")


def test_a_column_of_several_attributes_shows_the_one_that_fits() -> None:
    assert attribute_in("node", "vm.cpus", {}) == "vmcpus"
    assert attribute_in("node", "vm.cpus", {"mgt": "docker"}) == "dockercpus"
    assert value_in("node", "vm.cpus", {"mgt": "docker", "dockercpus": "3"}) == "3"
    assert value_in("node", "ipmi.bmc", {"mgt": "openbmc", "bmc": "b"}) == ""


def test_what_no_attribute_shows_is_hidden() -> None:
    assert is_hidden("node", "nodehm.comments")
    assert is_hidden("node", "openbmc.bmc")
    assert not is_hidden("node", "nicips.eth0")
    assert not is_hidden("node", "passwd.HMC")
    assert not is_hidden("node", "mgt")


def test_a_hidden_column_becomes_its_attribute_when_it_fits() -> None:
    values = {"openbmc.bmc": "b", "nodehm.comments": "c"}
    assert settled("node", values) == values
    assert settled("node", {**values, "mgt": "openbmc"}) == {"mgt": "openbmc", "bmc": "b", "nodehm.comments": "c"}


@pytest.mark.parametrize("objtype", [objtype for objtype in TYPES if objtype != "site"])
def test_a_column_shows_the_attribute_that_lies_in_it(objtype: str) -> None:
    for attribute in attributes_of(objtype).values():
        for column in attribute.places:
            values = deciding(attribute, column)
            assert column_of(objtype, attribute.name, values) == column
            assert attribute_in(objtype, column, values) == attribute.name
            assert place(*column.split("."))[0] in (objtype, "node", "group")


def deciding(attribute: Attribute, column: str) -> dict[str, str]:
    """Return the other attributes that make an attribute lie in a column."""
    if attribute.instead and column in attribute.instead[1].values():
        other, columns = attribute.instead
        return {other: next(value for value, one in columns.items() if one == column)}
    if attribute.needs is None:
        return {}
    other, values = attribute.needs
    elsewhere = attribute.instead[1] if attribute.instead else {}
    return {other: next(value for value in values if value not in elsewhere)}
