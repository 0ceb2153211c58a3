"""sb export and sb import: what is written comes back as the same site, whatever its objects hold."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbkernel.definitions.attributes import attributes_of, has_secrets
from sbkernel.definitions.importing.stanzafile import MARK, stored
from sbkernel.definitions.stanza import TITLE
from sbkernel.definitions.store.interface import Store, Values
from sbkernel.definitions.tables.attribute import is_expression
from sbkernel.site import Site


def everything(store: Store) -> dict[tuple[str, str], Values]:
    return {(objtype, name): values for objtype, named in stored(store) for name, values in named.items()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


def restored(text: str, where: Path) -> tuple[Site, list[str]]:
    """Import a text into a new site, without what that one had."""
    other = Site.open(where / "other")
    with other.store.write("empty") as transaction:
        for objtype, name in everything(other.store):
            transaction.delete(objtype, name)
    (where / "site.stanza").write_text(text)
    report = other.import_from(where / "site.stanza")
    return other, [str(note).removeprefix(f"{where}/") for note in report.notes]


def fill(site: Site) -> None:
    site.set("group", "compute", grouptype="static", mgt="ipmi", bmcusername="admin", bmcpassword="hunter2")
    site.set("group", "fast", grouptype="dynamic", wherevals="mgt==ipmi::os=~^rhel")
    site.set("node", "n1", groups="compute,implicit", mgt="ipmi", bmc="n1-bmc", status="booted")
    site.set("node", "n2", groups="compute", ip="|10.0.0.($1+0)|", hidden="1", **{"nicips.eth0": "10.0.0.2"})
    site.set("node", "compute", groups="implicit", usercomment=' "quoted" and spaced ')
    site.set("passwd", "system", username="root", password="text:env:literal")
    site.set("passwd", "ipmi", username="admin", password="keyring:bmc")
    site.set("network", "fd00::/64", net="fd00::", mask="/64")
    with site.store.write("rows") as transaction:
        transaction.put("node", "n1", {**(transaction.get("node", "n1") or {}), "nodehm.comments": "seen by tabdump"})
        transaction.put("table.litefile", "ALL /etc/x", {"image": "ALL", "file": "/etc/x"})
        transaction.put("group", "rows", {"nodetype": "only"})


def test_a_site_comes_back_identical(site: Site, tmp_path: Path) -> None:
    fill(site)
    other, notes = restored(site.export(reveal=True), tmp_path)
    assert everything(other.store) == everything(site.store)
    assert notes == []
    assert other.noderange("compute") == site.noderange("compute")


def test_without_reveal_secrets_are_missing_and_said_so(site: Site, tmp_path: Path) -> None:
    fill(site)
    text = site.export()
    assert text.startswith(f"{TITLE}\n{MARK}\n\nclustersite:\n")
    assert "hunter2" not in text
    assert "env:literal" not in text
    assert "password=keyring:bmc" in text
    other, notes = restored(text, tmp_path)
    wanted = everything(site.store)
    del wanted["group", "compute"]["bmcpassword"], wanted["passwd", "system"]["password"]
    assert everything(other.store) == wanted
    assert [note.partition(": ")[2] for note in notes] == [
        "passwd system: password=*** was hidden, and no secret is stored",
        "group compute: bmcpassword=*** was hidden, and no secret is stored",
    ]


def test_a_hidden_secret_keeps_what_is_stored(site: Site, tmp_path: Path) -> None:
    fill(site)
    before = everything(site.store)
    (tmp_path / "x").write_text(site.export())
    report = site.import_from(tmp_path / "x")
    assert everything(site.store) == before
    assert report.change is None
    assert {str(note).partition("=*** ")[2] for note in report.notes} == {"keeps the secret that is stored"}


def test_lsdef_z_prints_what_groups_lend_and_it_is_not_stored_again(site: Site, tmp_path: Path) -> None:
    fill(site)
    site.set("group", "compute", ip="|10.1.0.($1+0)|")
    text = "n3:\n objtype=node\n groups=compute\n mgt=ipmi\n bmcusername=other\n ip=10.1.0.3\n serialport=0\n"
    (tmp_path / "x").write_text(text)
    assert site.import_from(tmp_path / "x").notes == []
    assert site.store.get("node", "n3") == {"bmcusername": "other", "groups": "compute", "serialport": "0"}


def test_members_are_joined_whatever_the_order(site: Site, tmp_path: Path) -> None:
    site.set("node", "old", groups="all")
    text = (
        "g:\n objtype=group\n members=n2,old,n1,none\n mgt=ipmi\n"
        "d:\n objtype=group\n grouptype=dynamic\n members=n1\n wherevals=mgt==ipmi\n"
        "n1:\n objtype=node\n groups=all\n bmc=b1\nn2:\n objtype=node\n groups=g,all\n"
    )
    (tmp_path / "x").write_text(text)
    assert [str(note).rpartition(":3: ")[2] for note in site.import_from(tmp_path / "x").notes] == [
        "group g: there is no node none"
    ]
    groups = {name: node.get("groups") for name, node in site.nodes.items()}
    assert groups == {"n1": "all,g", "n2": "g,all", "old": "all,g"}
    assert site.store.get("group", "g") == {"mgt": "ipmi"}, "it stays implicit"
    assert site.nodes["n1"].get("bmc") == "b1"


def test_what_is_wrong_is_listed_with_its_line_and_the_rest_is_taken(site: Site, tmp_path: Path) -> None:
    text = (
        "n1:\n objtype=node\n groups=all\n mgt=magic\n nope=1\n bmc=b1\nk:\n objtype=nothing\n a=1\n"
        "a.b:\n objtype=node\n groups=all\nfoo\n x=1\nnet2:\n objtype=network\n net=10.0.0.0\n mask=255.0.0.0\n"
    )
    site.set("network", "net1", net="10.0.0.0", mask="255.0.0.0")
    (tmp_path / "x").write_text(text)
    assert [str(note).removeprefix(f"{tmp_path}/") for note in site.import_from(tmp_path / "x").notes] == [
        "x:13: 'foo' is neither a header nor an attribute; it and all to line 14 is left out",
        "x:7: nothing k is not taken (a): Type 'nothing' is not a valid xCAT object type.",
        "x:10: node a.b is not taken (groups): The object name 'a.b' is invalid, Cannot use '.' in node name.",
        "x:17: network net2 is not taken: net1 has its net and mask already",
        "x:4: node n1: mgt is not taken: n1: 'magic' is not a legal value of 'mgt'.",
        "x:5: node n1: nope is not taken: 'nope' is not a valid attribute name for an object type of 'node'.",
        "x:6: node n1: bmc is not taken: Cannot set the attr='bmc' attribute unless mgt value is "
        "ipmi or openbmc or redfish or auto.",
    ]
    assert site.store.get("node", "n1") == {"groups": "all"}


def test_dry_run_changes_nothing_and_says_what_it_would(site: Site, tmp_path: Path) -> None:
    site.set("node", "n1", groups="all", serialport="0")
    (tmp_path / "x").write_text("n1:\n objtype=node\n serialport=1\nn2:\n objtype=node\n groups=all\n")
    before = everything(site.store)
    report = site.import_from(tmp_path / "x", dry_run=True)
    assert everything(site.store) == before
    assert list(report.differences()) == [
        "node n1", "  - serialport=0", "  + serialport=1", "node n2 (new)", "  + groups=all",
    ]  # fmt: skip
    assert str(report) == f"{tmp_path}/x (stanza): 2 objects would be imported\n  node: 1 new, 1 changed"
    assert site.import_from(tmp_path / "x").change is not None


def test_one_import_is_one_change(site: Site, tmp_path: Path) -> None:
    fill(site)
    before = everything(site.store)
    (tmp_path / "x").write_text("n1:\n objtype=node\n serialport=1\nm1:\n objtype=node\n groups=new\n")
    report = site.import_from(tmp_path / "x")
    site.undo(report.change)
    assert everything(site.store) == before


TYPES = ("node", "group", "osimage", "network", "passwd", "policy", "route", "zone", "rack")
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True).filter(lambda name: not name.startswith("default-"))
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    lambda text: text != "***" and not is_expression(text)
)


def free(objtype: str) -> list[str]:
    """Attributes that take any text, whatever the others are."""
    fixed = ("groups", "members", "grouptype", "net", "mask", "nodetype")
    table = attributes_of(objtype).values()
    kept = [
        one
        for one in table
        if not (one.values or one.pattern or one.form or one.needs or one.keyed or one.name in fixed)
    ]
    return sorted(one.name for one in kept if not (objtype in ("node", "group") and one.instead))


@st.composite
def sites(draw: st.DrawFn) -> dict[tuple[str, str], dict[str, str]]:
    keys = draw(st.lists(st.tuples(st.sampled_from(TYPES), NAMES), max_size=5, unique=True))
    found = {}
    for number, (objtype, name) in enumerate(keys):
        values = draw(st.dictionaries(st.sampled_from(free(objtype)), TEXTS, min_size=1, max_size=4))
        if objtype == "node":
            values["groups"] = ",".join(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
        if objtype == "network":
            values |= {"net": f"10.{number}.0.0", "mask": "255.255.0.0"}
        found[objtype, name] = values
    return found


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sites())
def test_any_site_comes_back_identical(objects: dict[tuple[str, str], dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        site = Site.open(Path(directory) / "site")
        with site.store.write("fill") as transaction:
            for (objtype, name), values in objects.items():
                transaction.put(objtype, name, values)
        other, notes = restored(site.export(reveal=True), Path(directory))
        assert everything(other.store) == everything(site.store)
        assert notes == []


def test_types_with_secrets_are_known() -> None:
    assert {"node", "group", "passwd"} <= {objtype for objtype in TYPES if has_secrets(objtype)}
