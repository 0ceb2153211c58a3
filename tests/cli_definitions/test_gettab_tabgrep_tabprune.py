"""gettab, tabgrep and tabprune."""

import pytest
from sbrun import Sb, error

SITE = "#key,value,comments,disable\n"


@pytest.fixture
def settings(sb: Sb) -> Sb:
    """A site with some settings."""
    for key, value in {"foo": "bar", "zero": "0", "off": "1"}.items():
        sb("chtab", f"key={key}", f"site.value={value}")
    sb("chtab", "key=off", "site.disable=1")
    return sb


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["key=foo", "site.value"], "bar\n"),
        (["-H", "key=foo", "site.value"], "site.value: bar\n"),
        (["--with-fieldname", "key=zero", "site.value"], "site.value: 0\n"),
        (["key=foo", "site.value", "site.key"], "site.value: bar\nsite.key: foo\n"),
        (["key=zero", "site.value"], ""),
        (["key=off", "site.value"], ""),
        (["key=none", "site.value"], ""),
        (["-H", "key=none", "site.value"], ""),
        (["key=foo", "site.nosuch"], ""),
        (["key=foo", "site.comments"], ""),
        (["key=foo,value=bar", "site.value"], "bar\n"),
        (["key=foo,value=x", "site.value"], ""),
    ],
)
def test_gettab(settings: Sb, words: list[str], out: str) -> None:
    assert settings("gettab", *words) == (0, out, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["foo=x", "site.value"], (1, "", error("Unknown key foo to site"))),
        (["key=x", "nosuch.value"], (1, "", error("Unknown key key to nosuch"))),
    ],
)
def test_gettab_refuses(sb: Sb, words: list[str], expected: object) -> None:
    assert sb("gettab", *words) == expected


@pytest.mark.parametrize(("words", "code"), [([], 1), (["key=x"], 1), (["-q"], 1), (["-h"], 0)])
def test_gettab_usage(sb: Sb, words: list[str], code: int) -> None:
    ended, out, err = sb("gettab", *words)
    assert (ended, out.split(":")[0], err) == (code, "Usage", "")


def test_gettab_hides_secrets(sb: Sb) -> None:
    sb("chtab", "key=ipmi", "passwd.username=u", "passwd.password=p")
    assert sb("gettab", "key=ipmi", "passwd.username") == (0, "u\n", "")
    assert sb("gettab", "key=ipmi", "passwd.password") == (0, "***\n", "")
    assert sb("gettab", "--reveal", "key=ipmi", "passwd.password") == (0, "p\n", "")


def test_tabgrep(sb: Sb) -> None:
    sb("mkdef", "n1,n2", "groups=all,compute", "mgt=ipmi", "bmc=b")
    sb("chtab", "node=compute", "vm.host=h")
    sb("chtab", "node=n1", "deps.cmd=on", "deps.nodedep=n2")
    assert sb("tabgrep", "n1") == (0, "deps\nipmi\nnodehm\nnodelist\nvm\n", "")
    assert sb("tabgrep", "n2,n1") == sb("tabgrep", "n1")
    sb("chtab", "node=n1,switch=s,port=1", "switch.vlan=1")
    sb("chtab", "node=n1,switch=t,port=2", "switch.vlan=1")
    sb("chtab", "-d", "node=n1,switch=s", "switch")
    assert "switch\n" in sb("tabgrep", "n1").out


def test_tabgrep_refuses(sb: Sb) -> None:
    code, out, err = sb("tabgrep", "nosuch")
    assert (code, out) == (1, "")
    assert err.startswith("Error: Invalid nodes and/or groups in noderange: nosuch\n")
    for words in ([], ["-h"]):
        assert sb("tabgrep", *words).code == 1
        assert sb("tabgrep", *words).out.startswith("Usage: tabgrep NODE\n")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["-a"], "Table name required."),
        (["auditlog"], "One option -p or -i or -n or -a or -d must be supplied."),
        (["auditlog", "-a", "-n", "1"], "Only one option -p or -i or -n or -a maybe used at a time."),
        (["site", "-n", "1"], "Table site not supported, see tabprune -h for supported tables."),
    ],
)
def test_tabprune_refuses(sb: Sb, words: list[str], out: str) -> None:
    assert sb("tabprune", *words) == (1, f"{out}\n", "")


def test_tabprune_of_what_is_not(sb: Sb) -> None:
    assert sb("tabprune", "nosuch", "-a") == (5, "", error("Unable to open  nosuch"))
    assert sb("tabprune", "eventlog", "-a") == (
        0, "Nothing to prune from eventlog.\ntabprune of eventlog complete.\n", "",
    )  # fmt: skip
    assert sb("tabprune", "site", "-a").code == 1
    assert "httpport" in sb("tabdump", "site").out


def test_tabprune_of_the_journal(sb: Sb) -> None:
    for number in range(5):
        sb("chdef", "-t", "site", f"k={number}")
    records = sb("tabdump", "auditlog").out.splitlines()[1:]
    assert sb("tabprune", "auditlog", "-n", "2") == (0, "tabprune of auditlog complete.\n", "")
    assert sb("tabdump", "auditlog").out.splitlines()[1:] == records[2:]
    assert sb("tabprune", "auditlog", "-V", "-p", "50").out.splitlines()[1:] == records[2:4]
    recid = records[5].split(",")[0].strip('"')
    sb("tabprune", "auditlog", "-i", recid)
    assert sb("tabdump", "auditlog").out.splitlines()[1:] == records[5:]
    sb("tabprune", "auditlog", "-d", "1")
    assert sb("tabdump", "auditlog").out.splitlines()[1:] == records[5:]
    sb("tabprune", "auditlog", "-d", "0")
    assert sb("tabprune", "auditlog", "-a").out == "Nothing to prune from auditlog.\ntabprune of auditlog complete.\n"


def test_tabprune_of_any_table(sb: Sb) -> None:
    sb("chtab", "image=ALL,file=/a", "litefile.options=rw")
    out = sb("tabprune", "litefile", "-V", "-a").out
    assert out == '#image,file,options,comments,disable\n"ALL","/a","rw",,\n'
    assert sb("tabdump", "litefile").out == "#image,file,options,comments,disable\n"
