"""tabdump: tables as CSV, conditions, files, meanings, the last records."""

from pathlib import Path

import pytest
from sbrun import Sb, error

from sbkernel.definitions.xcattables.columns import TABLES

NODEHM = (
    "#node,power,mgt,cons,termserver,termport,conserver,serialport,serialspeed,serialflow,getmac,cmdmapping,"
    "consoleondemand,consoleenabled,comments,disable\n"
)
SITE = "#key,value,comments,disable\n"


@pytest.fixture
def nodes(sb: Sb) -> Sb:
    """A site with two nodes and a group that lends."""
    sb("mkdef", "n1", "groups=all,compute", "mgt=ipmi", "bmc=n1-bmc", "bmcpassword=hunter2")
    sb("mkdef", "n2", "groups=all", 'usercomment=a "b"')
    sb("chtab", "node=compute", "nodehm.cons=ipmi", "nodehm.comments=of the group")
    return sb


def test_tables_are_listed(sb: Sb) -> None:
    code, out, err = sb("tabdump")
    assert (code, err) == (0, "")
    assert out.splitlines() == sorted(TABLES)


def test_a_table_as_csv(nodes: Sb) -> None:
    assert nodes("tabdump", "nodehm") == (
        0,
        f'{NODEHM}"compute",,,"ipmi",,,,,,,,,,,"of the group",\n"n1",,"ipmi",,,,,,,,,,,,,\n',
        "",
    )
    assert '"n2","all",,,,,,,,,,"a ""b""",\n' in nodes("tabdump", "nodelist").out


def test_an_empty_table_is_its_header(sb: Sb) -> None:
    assert sb("tabdump", "zone") == (0, "#zonename,sshkeydir,sshbetweennodes,defaultzone,comments,disable\n", "")
    assert sb("tabdump", "eventlog").out.startswith("#recid,eventtime,")


def test_secrets_are_hidden(nodes: Sb) -> None:
    header = "#node,bmc,bmcport,taggedvlan,bmcid,username,password,comments,disable\n"
    assert nodes("tabdump", "ipmi") == (0, f'{header}"n1","n1-bmc",,,,,"***",,\n', "")
    assert nodes("tabdump", "--reveal", "ipmi").out == f'{header}"n1","n1-bmc",,,,,"hunter2",,\n'
    nodes("chdef", "n1", "bmcpassword=env:BMC")
    assert '"env:BMC"' in nodes("tabdump", "ipmi").out


def test_bmcs_move_with_mgt_also_when_a_group_lends_it(nodes: Sb) -> None:
    nodes("chtab", "node=obmc", "nodehm.mgt=openbmc")
    nodes("mkdef", "n3", "groups=obmc", "bmc=b3")
    assert nodes("tabdump", "openbmc").out.splitlines()[1:] == ['"n3","b3",,,,,,']
    assert '"n3"' not in nodes("tabdump", "ipmi").out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nosuch"], (1, "", error("No such table: nosuch"))),
        (["-w", "foo==1", "site"], (1, "", error('No column "foo" in table "site"'))),
        (["-w", "foo", "site"], (1, "", error("Unsupported operator:foo on -w flag input"))),
        (["-f", "x.csv"], (1, "", error("table name missing from the command input. "))),
        (["-d", "nosuch"], (1, "", error("table nosuch does not exist."))),
    ],
)
def test_refusals(sb: Sb, words: list[str], expected: tuple[int, str, str]) -> None:
    assert sb("tabdump", *words) == expected


@pytest.mark.parametrize(("words", "code"), [(["a", "b"], 1), (["-q"], 1), (["-h"], 0), (["-?"], 0)])
def test_usage_goes_to_stdout(sb: Sb, words: list[str], code: int) -> None:
    ended, out, err = sb("tabdump", *words)
    assert (ended, err) == (code, "")
    assert out.startswith("Usage: tabdump [TABLE]\n")


@pytest.mark.parametrize(
    ("conditions", "keys"),
    [
        (["key==a"], ["a"]),
        (["key!=a", "key=~%b%"], ["B1", "ab"]),
        (["key=~a%"], ["a", "ab"]),
        (["value>=2"], ["B1", "ab"]),
        (["value<2"], ["a"]),
        (["comments!=x"], []),
        (["key!~%"], []),
        (["key==gone"], []),
    ],
)
def test_conditions(sb: Sb, conditions: list[str], keys: list[str]) -> None:
    for key in sb("tabdump", "site").out.splitlines()[1:]:
        sb("chtab", "-d", f"key={key.split(',')[0].strip(chr(34))}", "site")
    for key, value in {"a": "1", "ab": "2", "B1": "3", "gone": "4"}.items():
        sb("chtab", f"key={key}", f"site.value={value}")
    sb("chtab", "key=gone", "site.disable=yes")
    words = [word for condition in conditions for word in ("-w", condition)]
    out = sb("tabdump", *words, "site").out
    assert [line.split(",")[0].strip('"') for line in out.splitlines()[1:]] == keys
    assert '"gone","4",,"yes"\n' in sb("tabdump", "site").out


def test_into_a_file(sb: Sb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sb("tabdump", "-f", "out.csv", "zone") == (0, "", "")
    assert (tmp_path / "out.csv").read_text() == sb("tabdump", "zone").out
    sb("tabdump", "--reveal", "-f", "secret.csv", "passwd")
    assert (tmp_path / "secret.csv").stat().st_mode & 0o777 == 0o600


def test_meanings(sb: Sb) -> None:
    code, out, err = sb("tabdump", "-d", "mac")
    assert (code, err) == (0, "")
    assert out == (
        "node:\t\tNode or group.\n\n"
        "interface:\tName of the interface that boots.\n\n"
        "mac:\t\tMAC address that boots; several as `mac1!name1|mac2!name2`.\n\n"
        "comments:\tAny text.\n\n"
        "disable:\tyes or 1: the row is as if it were not there.\n"
    )
    entries = sb("tabdump", "-d").out.split("\n\n")
    assert [entry.partition(":\t")[0] for entry in entries] == sorted(TABLES)


def test_the_journal_is_auditlog(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    sb("chdef", "n1", "usercomment=x")
    last = sb("tabdump", "-n", "1", "auditlog").out.splitlines()
    assert last[0].startswith("#recid,audittime,userid,")
    assert '"chdef","n1","-t node","allowed",,' in last[1]
    assert len(sb("tabdump", "auditlog").out.splitlines()) == 4
    assert sb("tabdump", "-n", "2") == sb("tabdump", "-n", "2", "auditlog")
    assert sb("tabdump", "-n", "3", "eventlog") == (0, "Nothing to display from eventlog.\n", "")
    assert sb("tabdump", "-n", "3", "site").code == 1


def test_version(sb: Sb) -> None:
    assert sb("tabdump", "-v").out.startswith("Version ")
    assert sb("chtab", "-v").out.startswith("chtab Version ")
    assert sb("tabch", "-v").out.startswith("tabch :Version ")
