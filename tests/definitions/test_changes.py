"""What the attribute table lets through, what groups lend, and what a change of a group does to its nodes."""

import pytest

from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path):
    with Site.open(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("objtype", TYPES)
def test_every_attribute_says_what_it_means(objtype: str) -> None:
    table = attributes_of(objtype)
    for attribute in table.values():
        assert len(attribute.text) > 4
        assert attribute.text.endswith((".", ":"))
        if attribute.needs:
            assert attribute.needs[0] in table


@pytest.mark.parametrize(
    ("objtype", "name", "attributes", "says"),
    [
        ("osimage", "x", {"pkglst": "/a"}, "'pkglst' is not a valid attribute name for an object type of 'osimage'"),
        ("osimage", "x", {"pkglist": "/a"}, "unless imagetype value is linux"),
        ("osimage", "x", {"imagetype": "linux", "pkglist": "relative"}, "legal value of 'pkglist'"),
        ("osimage", "x", {"imagetype": "linux", "rootimgdir": "/a/"}, "legal value of 'rootimgdir'"),
        ("osimage", "x", {"provmethod": "netbot"}, "legal value of 'provmethod'"),
        ("osimage", "../x", {"profile": "x"}, "invalid"),
        ("osimage", "a/b", {"profile": "x"}, "invalid"),
        ("osimage", "x", {"profile": "a/b"}, "legal value"),
        ("node", "a.b", {"groups": "all"}, "Cannot use '.' in node name"),
        ("node", "a b", {"groups": "all"}, "invalid"),
        ("node", "n1", {"groups": "all", "bmc": "x"}, "unless mgt value is ipmi or openbmc"),
        ("node", "n1", {"groups": "all", "mac": "52:54"}, "legal value of 'mac'"),
        ("node", "n1", {"groups": "all", "usercomment": "a\nb"}, "control character"),
        ("site", "clustersite", {"httpport": "http"}, "legal value of 'httpport'"),
        ("nodes", "n1", {}, "Type 'nodes' is not a valid xCAT object type."),
    ],
)
def test_wrong_definitions_are_refused_and_nothing_is_stored(site: Site, objtype, name, attributes, says) -> None:
    with pytest.raises(DefinitionError, match=says.replace("(", r"\(")):
        site.set(objtype, name, **attributes)
    if objtype in TYPES and objtype != "site":
        assert name not in site.all_of(objtype)


@pytest.mark.parametrize(
    "attributes",
    [
        {"mac": "52:54:00:12:34:56"},
        {"mac": "52:54:00:12:34:56!n1|52:54:00:12:34:57!*NOIP*"},
        {"mgt": "ipmi", "bmc": "127.0.0.1:9001", "bmcpassword": "env:BMC"},
        {"nicips.eth0": "10.0.0.1", "nicips.ib0": "10.1.0.1"},
        {"netboot": "xnba", "serialport": 0, "serialspeed": 115200},
        {"vmhost": "localhost", "vmmemory": 1024, "vmcpus": 2, "vmnics": "user", "cons": "ipmi"},
    ],
)
def test_right_nodes_are_kept(site: Site, attributes) -> None:
    site.set("node", "n1", groups="all", **attributes)
    assert {key: str(value) for key, value in attributes.items()}.items() <= dict(site.nodes["n1"].attributes).items()


def test_near_names_are_offered(site: Site) -> None:
    with pytest.raises(DefinitionError) as caught:
        site.set("osimage", "x", rootimgdri="/x")
    assert "rootimgdir" in str(caught.value.hint)
    with pytest.raises(NotFoundError) as missing:
        site.osimages["debian12-x86_64-netboot-compte"]
    assert "netboot-compute" in str(missing.value.hint)


def test_first_group_that_has_an_attribute_lends_it(site: Site) -> None:
    site.set("group", "all", mgt="ipmi", serialspeed="9600")
    site.set("group", "gpu", serialspeed="115200", serialport="1", usercomment="of the group")
    site.set("node", "n1", groups="gpu,all", bmc="bmc1")
    site.set("node", "n2", groups="all,gpu", serialport="0")
    assert [site.nodes["n1"].get(key) for key in ("mgt", "serialspeed", "serialport")] == ["ipmi", "115200", "1"]
    assert [site.nodes["n2"].get(key) for key in ("mgt", "serialspeed", "serialport")] == ["ipmi", "9600", "0"]
    assert site.nodes["n1"].get("usercomment") == ""
    assert dict(site.nodes.many(["n2", "n1", "nope"])) == {"n1": site.nodes["n1"], "n2": site.nodes["n2"]}


def test_bmc_is_allowed_when_a_group_says_ipmi(site: Site) -> None:
    site.set("group", "ipmi", mgt="ipmi")
    site.set("node", "n1", groups="ipmi", bmc="bmc1")
    assert site.nodes["n1"].get("bmc") == "bmc1"


def test_group_exists_as_soon_as_a_node_names_it(site: Site) -> None:
    site.set("node", "n1", groups="all,gpu")
    assert list(site.groups) == ["all", "gpu"]
    assert site.groups["gpu"].get("members") == "n1"
    assert "cpu" not in site.groups
    assert len(site.groups) == 2


def test_members_of_a_group_are_kept_on_nodes(site: Site) -> None:
    for node in ("n1", "n2", "n3"):
        site.set("node", node, groups="all")
    site.set("group", "g", members="n1,n2", mgt="ipmi")
    assert site.nodes["n1"].get("groups") == "all,g"
    site.set("group", "g", members="n2,n3")
    assert (site.nodes["n1"].get("groups"), site.groups["g"].get("members")) == ("all", "n2,n3")
    site.set("group", "g", serialport="0")
    assert site.groups["g"].get("members") == "n2,n3"
    with pytest.raises(NotFoundError, match="n9"):
        site.set("group", "g", members="n1,n9")
    assert site.groups["g"].get("members") == "n2,n3"
    site.delete("group", "g")
    assert site.nodes["n2"].get("groups") == "all"
    with pytest.raises(NotFoundError):
        site.delete("group", "g")


def test_many_changes_are_one_transaction(site: Site) -> None:
    with pytest.raises(DefinitionError):
        site.change("node", {"n1": {"groups": "all"}, "n2": {"groups": "all", "nonsense": "x"}})
    assert list(site.nodes) == []
    site.change("node", {"n1": {"groups": "all"}, "n2": {"groups": "all"}})
    site.change("node", {"n1": lambda before: {"usercomment": before["groups"] + "!"}})
    assert site.nodes["n1"].get("usercomment") == "all!"


def test_clearing_and_deleting(site: Site) -> None:
    site.set("node", "n1", groups="all", mgt="ipmi", ip="10.0.0.1")
    site.set("node", "n1", ip=None, mgt="")
    assert dict(site.nodes["n1"].attributes) == {"groups": "all"}
    site.delete("node", "n1")
    assert "n1" not in site.nodes
    with pytest.raises(NotFoundError):
        site.delete("node", "n1")
    with pytest.raises(DefinitionError):
        site.delete("site", "clustersite")
