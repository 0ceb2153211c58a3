"""tabrestore: all rows of a file, or none; every message of xCAT's."""

from pathlib import Path

import pytest
from sbrun import Sb, error, warning

ZONE = "#zonename,sshkeydir,sshbetweennodes,defaultzone,comments,disable\n"


@pytest.fixture
def restore(sb: Sb, tmp_path: Path) -> Sb:
    """Write a file and restore it: restore(TABLE, TEXT, OPTIONS...)."""

    def run(table: str, text: str, *options: str) -> object:
        file = tmp_path / f"{table}.csv"
        file.write_text(text)
        return sb("tabrestore", *options, str(file))

    return run  # type: ignore[return-value]


def test_rows_are_replaced(sb: Sb, restore: Sb) -> None:
    sb("chtab", "zonename=old", "zone.sshkeydir=/old")
    assert restore("zone", f'{ZONE}"a","/a","yes",,,\nb,/b\n"c",,,,"say ""hi""",\n') == (0, "", "")
    assert sb("tabdump", "zone").out == f'{ZONE}"a","/a","yes",,,\n"b","/b",,,,\n"c",,,,"say ""hi""",\n'
    assert sb("lsdef", "-t", "zone").out == "a  (zone)\nb  (zone)\nc  (zone)\n"


def test_columns_in_any_order_and_quoted_by_a_spreadsheet(sb: Sb, restore: Sb) -> None:
    assert restore("zone", '#"comments","zonename"\nx,a\n').code == 0
    assert sb("tabdump", "zone").out == f'{ZONE}"a",,,,"x",\n'


def test_a_value_with_a_newline_comes_back(sb: Sb, restore: Sb) -> None:
    text = f'{ZONE}"a",,,,"one\ntwo",\n"b",,,,,\n'
    assert restore("zone", text) == (0, "", "")
    assert sb("tabdump", "zone").out == text


def test_append_adds(sb: Sb, restore: Sb) -> None:
    restore("zone", f"{ZONE}a\n")
    assert restore("zone", f"{ZONE}b\n", "-a") == (0, "", "")
    assert restore("zone", f"{ZONE}b\nc\n", "-a") == (
        4, "", error("DB error UNIQUE constraint failed: zone.zonename with line 0: b"),
    )  # fmt: skip
    assert sb("tabdump", "zone").out == f'{ZONE}"a",,,,,\n"b",,,,,\n'


@pytest.mark.parametrize(
    ("text", "code", "fault"),
    [
        ("a,b\n", 1, "Data missing header line starting with #"),
        ("", 1, "Data missing header line starting with #"),
        (
            "#zonename,foo\na\n",
            1,
            "The header line indicates that column 'foo' should exist, which is not defined in the schema for 'zone'",
        ),
        ("#zonename,comments\na\nb,c,d\n", 4, "Too many fields on line 1: b,c,d | d"),
        ('#zonename,comments\na,"b\n', 4, 'CSV unmatched " in record on line 1, character 2: a,"b'),
        ('#zonename\n a"b"\n', 4, 'CSV missing opening " for record with " characters on line 0, character 0:  a"b"'),
        ('#zonename\n"a"b\n', 4, 'CSV unescaped " in record on line 0, character 0: "a"b'),
        ("#zonename\na\n\nb\n", 4, "DB error  with line 1: "),
        ("#zonename\na\na\n", 4, "DB error UNIQUE constraint failed: zone.zonename with line 1: a"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_changed(sb: Sb, restore: Sb, text: str, code: int, fault: str) -> None:
    sb("chtab", "zonename=old", "zone.sshkeydir=/old")
    assert restore("zone", text) == (code, "", error(fault))
    assert sb("tabdump", "zone").out == f'{ZONE}"old","/old",,,,\n'


def test_every_wrong_line_is_told(restore: Sb) -> None:
    assert restore("zone", "#zonename\na,b\n\nc,d\n").err == error(
        "Too many fields on line 0: a,b | b", "Too many fields on line 2: c,d | d"
    )


def test_illegal_values_are_refused_by_name(sb: Sb, restore: Sb) -> None:
    code, out, err = restore("nodehm", "#node,mgt\nn1,ipmi\nn2,impi\n")
    assert (code, out) == (4, "")
    assert err == error("DB error n2: 'impi' is not a legal value of 'mgt'. with line 1: n2,impi")
    assert "n1" not in sb("tabdump", "nodehm").out


def test_files_and_tables_that_are_not(sb: Sb, tmp_path: Path, restore: Sb) -> None:
    assert restore("nosuch", "#a\n") == (4, "", error("Unable to open nosuch"))
    missing = tmp_path / "zone.csv"
    missing.unlink(missing_ok=True)
    assert sb("tabrestore", str(missing)) == (3, f"Error: Unable to open {missing} for reading.\n", "")
    assert sb("tabrestore").code == 2
    assert sb("tabrestore").out.startswith("Usage: tabrestore [-a] TABLE.csv\n")
    assert restore("auditlog", "#recid\n").code == 4


def test_hidden_secrets_keep_what_is_stored(sb: Sb, restore: Sb) -> None:
    sb("chtab", "key=ipmi", "passwd.username=admin", "passwd.password=hunter2")
    sb("chtab", "key=system", "passwd.username=root", "passwd.password=old")
    dump = sb("tabdump", "passwd").out
    assert "hunter2" not in dump
    assert restore("passwd", dump + '"new","u","***",,,,\n') == (
        0,
        "",
        warning("passwd.password of ipmi is ***: the stored value is kept.")
        + warning("passwd.password of system is ***: the stored value is kept.")
        + warning("passwd.password of new is ***: the stored value is kept."),
    )
    assert sb("tabdump", "--reveal", "passwd").out.splitlines()[1:] == [
        '"ipmi","admin","hunter2",,,,', '"new","u",,,,,', '"system","root","old",,,,',
    ]  # fmt: skip


def test_a_node_that_leaves_nodelist_is_gone_and_others_keep_all(sb: Sb, restore: Sb) -> None:
    sb("mkdef", "n1,n2", "groups=all", "mgt=ipmi", "bmc=b")
    restore("nodelist", "#node,groups\nn1,x\n")
    assert sb("lsdef", "-i", "groups,bmc", "n1").out == "Object name: n1\n    bmc=b\n    groups=x\n"
    assert sb("lsdef").out == "n1  (node)\n"
    assert '"n2"' not in sb("tabdump", "nodehm").out


def test_every_table_of_a_site_goes_into_an_empty_one(sb: Sb, tmp_path: Path, where: Path) -> None:
    sb("mkdef", "n1,n2", "groups=all,compute", "mgt=ipmi", "bmc=b", "bmcpassword=p", "switch=s", "switchport=1")
    sb("mkdef", "n3", "groups=all", "mgt=openbmc", "bmc=c", "nicips.eth0=10.0.0.1")
    sb("mkdef", "-t", "group", "big", "-d", "-w", "mgt==ipmi")
    sb("chtab", "node=n1,switch=s2,port=7", "switch.interface=eth1")
    sb("chtab", "image=ALL,file=/etc/hosts", "litefile.options=rw")
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    tables = [table for table in sb("tabdump").out.split() if table not in ("auditlog", "eventlog")]
    for table in tables:
        sb("tabdump", "--reveal", "-f", str(dumps / f"{table}.csv"), table)
    where.rename(tmp_path / "old")
    for table in tables:
        assert sb("tabrestore", str(dumps / f"{table}.csv")).code == 0, table
    for table in tables:
        assert sb("tabdump", "--reveal", table).out == (dumps / f"{table}.csv").read_text(), table
    assert sb("tabdump", "switch").out.count('"n1"') == 2
