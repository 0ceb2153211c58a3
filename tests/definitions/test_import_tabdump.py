"""A directory of tables, as dumpxCATdb writes them: rows become the objects that they show."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.importing.csvtables import read
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.errors import ListFileError, SbkernelError
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


def write(tmp_path: Path, table: str, *rows: dict[str, str]) -> None:
    columns = TABLES[table].columns
    quoted = [",".join(f'"{row[name]}"' if name in row else "" for name in columns) for row in rows]
    (tmp_path / f"{table}.csv").write_text("\n".join([f"#{','.join(columns)}", *quoted, ""]))


def imported(site: Site, tmp_path: Path) -> list[str]:
    report = site.import_from(tmp_path)
    return [line.removeprefix(f"{tmp_path}/") for line in report.complaints()]


def own(site: Site, objtype: str, name: str) -> dict[str, str]:
    return site.store.get(objtype, name) or {}


def test_rows_of_nodes_and_groups(site: Site, tmp_path: Path) -> None:
    write(tmp_path, "nodelist", {"node": "n1", "groups": "compute,all"}, {"node": "n2", "groups": "all,racks"})
    write(tmp_path, "nodehm", {"node": "compute", "mgt": "openbmc"}, {"node": "n2", "mgt": "ipmi"})
    write(tmp_path, "openbmc", {"node": "compute", "username": "root"}, {"node": "n1", "bmc": "10.1.0.1"})
    n2 = {"node": "n2", "bmc": "10.1.0.2", "password": "calvin"}
    write(tmp_path, "ipmi", n2, {"node": "racks", "bmcport": "1"})
    write(tmp_path, "nics", {"node": "n1", "nicips": "eth0!10.0.0.1,ib0!10.2.0.1"})
    write(tmp_path, "nodegroup", {"groupname": "ipmis", "grouptype": "dynamic", "wherevals": "mgt==ipmi"})
    assert imported(site, tmp_path) == []
    assert own(site, "node", "n1") == {
        "bmc": "10.1.0.1",
        "groups": "compute,all",
        "nicips": "eth0!10.0.0.1,ib0!10.2.0.1",
    }
    assert own(site, "group", "compute") == {"bmcusername": "root", "mgt": "openbmc"}
    assert own(site, "node", "n2") == {"bmc": "10.1.0.2", "bmcpassword": "calvin", "groups": "all,racks", "mgt": "ipmi"}
    assert own(site, "group", "racks") == {"bmcport": "1"}, "its node has the mgt that this needs"
    assert own(site, "group", "ipmis") == {"grouptype": "dynamic", "wherevals": "mgt==ipmi"}
    assert "all" not in site.store.objects("group"), "an implicit group stays one"


def test_settings_logins_and_rows_that_no_object_shows(site: Site, tmp_path: Path) -> None:
    write(tmp_path, "site", {"key": "domain", "value": "cluster.example", "comments": "ours"})
    write(tmp_path, "passwd", {"key": "ipmi", "username": "a", "password": "x"}, {"key": "ipmi", "username": "b"})
    write(tmp_path, "litefile", {"image": "ALL", "file": "/etc/x", "options": "rw"})
    port = site.attribute("httpport")
    assert imported(site, tmp_path) == []
    assert (site.attribute("domain"), site.attribute("httpport")) == ("cluster.example", port)
    assert sorted(site.passwords) == ["ipmi", "ipmi:b"]
    assert len(site.store.objects("table.litefile")) == 1


def test_one_table_alone_goes_to_the_nodes_of_the_site(site: Site, tmp_path: Path) -> None:
    site.set("node", "n1", groups="all", mgt="openbmc")
    write(tmp_path, "openbmc", {"node": "n1", "bmc": "10.1.0.1"}, {"node": "later", "bmc": "10.1.0.2"})
    assert imported(site, tmp_path) == []
    assert own(site, "node", "n1") == {"bmc": "10.1.0.1", "groups": "all", "mgt": "openbmc"}
    assert list(site.nodes) == ["n1"], "a row makes no node"


def test_what_is_not_taken_is_listed(site: Site, tmp_path: Path) -> None:
    write(tmp_path, "nodelist", {"node": "n1", "groups": "all"}, {"node": "a.b", "groups": "all"})
    write(tmp_path, "nodehm", {"node": "n1", "mgt": "magic", "serialport": "0"})
    write(tmp_path, "chain", {"node": "n1", "chain": "shell", "disable": "1"})
    write(tmp_path, "auditlog", {"recid": "1"}, {"recid": "2"})
    (tmp_path / "mine.csv").write_text("#a\n1\n")
    (tmp_path / "vpd.csv").write_text('#node,serial,colour\nn1,"1","blue","more"\n')
    assert imported(site, tmp_path) == [
        "nodelist.csv:3: nodelist.groups of a.b is not taken: The object name 'a.b' is invalid, "
        "Cannot use '.' in node name.",
        "nodehm.csv:2: nodehm.mgt of n1 is not taken: n1: 'magic' is not a legal value of 'mgt'.",
        "auditlog.csv: table auditlog: it is a log; 2 rows are not taken",
        "chain.csv:2: table chain: the row of n1 is disabled, and not taken",
        "mine.csv: table mine: there is no such table; 1 rows are not taken",
        "vpd.csv:2: 1 fields too many; they are not taken",
        "vpd.csv:2: table vpd has no column colour; its values are not taken",
    ]
    assert own(site, "node", "n1") == {"groups": "all", "serial": "1", "serialport": "0"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("node,groups\nn1,all\n", "nodelist.csv:1: Data missing header line starting with #"),
        ('#node,groups\n"n1","a\nb"x\n', "nodelist.csv:2: not CSV: "),
        ('#node,groups\n"n1","never closed\n', "nodelist.csv:2: not CSV: "),
    ],
)
def test_what_is_no_table_is_refused_whole(site: Site, tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "site", {"key": "domain", "value": "x"})
    (tmp_path / "nodelist.csv").write_text(text)
    with pytest.raises(ListFileError) as caught:
        site.import_from(tmp_path)
    assert message in str(caught.value)
    assert site.attribute("domain") == ""


@given(st.sampled_from(sorted(TABLES)), st.text())
def test_any_text_is_read_or_refused(table: str, text: str) -> None:
    header = ",".join(TABLES[table].columns)
    for whole in (text, f"#{header}\n{text}"):
        try:
            read({Path(f"{table}.csv"): whole})
        except SbkernelError as error:
            assert str(error).startswith(f"{table}.csv:")
