"""chtab and tabch: rows are changed, added and removed; nothing is left half done."""

import pytest
from sbrun import Sb, error, warning

SITE = "#key,value,comments,disable\n"
SEE = "Check man tabch or tabch -h\n\n"


@pytest.mark.parametrize("verb", ["chtab", "tabch"])
def test_rows_are_added_changed_and_removed(sb: Sb, verb: str) -> None:
    assert sb(verb, "key=foo", "site.value=1") == (0, "", "")
    assert sb(verb, "key=foo", "site.value=2", "site.comments=why") == (0, "", "")
    assert '"foo","2","why",\n' in sb("tabdump", "site").out
    assert sb(verb, "key=foo", "site.comments=NULL") == (0, "", "")
    assert '"foo","2",,\n' in sb("tabdump", "site").out
    assert sb(verb, "-d", "key=foo", "site") == (0, "", "")
    assert '"foo"' not in sb("tabdump", "site").out
    assert sb(verb, "-d", "key=foo", "site") == (0, "", "")


def test_a_key_that_is_not_the_tables(sb: Sb) -> None:
    sb("chtab", "key=system", "passwd.username=root", "passwd.password=a")
    sb("chtab", "key=system", "passwd.username=admin")
    assert sb("tabdump", "--reveal", "passwd").out.splitlines()[1:] == ['"system","admin","a",,,,']
    sb("chtab", "key=system,username=root", "passwd.password=b")
    sb("chtab", "key=system", "passwd.cryptmethod=x")
    assert sb("tabdump", "--reveal", "passwd").out.splitlines()[1:] == [
        '"system","admin","a","x",,,', '"system","root","b","x",,,',
    ]  # fmt: skip


def test_every_row_that_matches_is_changed(sb: Sb) -> None:
    sb("mkdef", "n1,n2,n3", "groups=all", "mgt=ipmi")
    sb("chtab", "mgt=ipmi", "nodehm.cons=kvm")
    assert sb("lsdef", "n1-n3", "-i", "cons", "-c").out == "n1: cons=kvm\nn2: cons=kvm\nn3: cons=kvm\n"


def test_items_are_appended(sb: Sb) -> None:
    sb("chtab", "node=n1", "nodelist.groups+=all")
    sb("chtab", "node=n1", "nodelist.groups+=compute,all,x")
    assert sb("tabdump", "nodelist").out.splitlines()[1:] == ['"n1","all,compute,x",,,,,,,,,,,']


def test_nothing_is_written_for_nothing(sb: Sb) -> None:
    assert sb("chtab", "key=foo", "site.value=") == (0, "", "")
    assert sb("tabch", "key=foo", "site.value=") == (4, "", error("DB error "))
    assert sb("tabch", "key=foo") == (0, "", "")
    assert '"foo"' not in sb("tabdump", "site").out


def test_what_a_group_lends_is_waiting_for_its_nodes(sb: Sb) -> None:
    sb("chtab", "node=compute", "nodehm.mgt=ipmi")
    assert "compute" not in sb("lsdef", "-t", "group").out
    sb("mkdef", "n1", "groups=compute")
    assert sb("lsdef", "n1", "-i", "mgt").out == "Object name: n1\n    mgt=ipmi\n"


def test_rows_of_a_name_become_its_nodes(sb: Sb) -> None:
    sb("chtab", "node=n1", "openbmc.bmc=b")
    assert sb("tabdump", "openbmc").out.splitlines()[1:] == ['"n1","b",,,,,,']
    sb("chtab", "node=n1", "nodelist.groups=all", "nodehm.mgt=openbmc")
    assert sb("lsdef", "n1", "-i", "bmc,mgt").out == "Object name: n1\n    bmc=b\n    mgt=openbmc\n"
    assert sb("tabdump", "openbmc").out.splitlines()[1:] == ['"n1","b",,,,,,']


def test_several_tables_at_once(sb: Sb) -> None:
    sb("chtab", "node=n1", "openbmc.bmc=b", "nodehm.mgt=openbmc", "nodelist.groups=all")
    assert sb("lsdef", "n1", "-i", "bmc").out == "Object name: n1\n    bmc=b\n"


def test_removing_a_nodes_rows(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "bmc=b")
    sb("chtab", "-d", "node=n1", "ipmi", "nodehm")
    assert sb("lsdef", "n1", "-z").out == "# <xCAT data object stanza file>\n\nn1:\n    objtype=node\n    groups=all\n"
    sb("chtab", "-d", "node=n1", "nodelist")
    assert sb("nodels").out == ""


def test_removing_the_row_of_a_group_leaves_its_members(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    sb("mkdef", "-t", "group", "g", "members=n1")
    assert sb("tabdump", "nodegroup").out.splitlines()[1:] == ['"g","static","static",,,,']
    sb("chtab", "-d", "groupname=g", "nodegroup")
    assert sb("tabdump", "nodegroup").out.splitlines()[1:] == []
    assert sb("lsdef", "-t", "group", "g").out == "Object name: g\n    members=n1\n"


def test_a_hidden_secret_is_not_written(sb: Sb) -> None:
    sb("chtab", "key=ipmi", "passwd.username=u", "passwd.password=p")
    assert sb("chtab", "key=ipmi", "passwd.password=***") == (
        0, "", warning("passwd.password is ***: the stored value is kept."),
    )  # fmt: skip
    assert sb("gettab", "--reveal", "key=ipmi", "passwd.password").out == "p\n"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([], "Usage:"),
        (["-q"], "Usage:"),
        (["foo", "site.value=1"], 'Incorrect argument "foo".'),
        (["key=x", "foo"], 'Incorrect argument "foo".'),
        (["-d", "key=x"], "Missing table name."),
        (["site.value=1"], "Missing key: KEY=VALUE says which row is meant."),
    ],
)
def test_chtab_tells_mistakes_on_stdout(sb: Sb, words: list[str], first: str) -> None:
    code, out, err = sb("chtab", *words)
    assert (code, out.splitlines()[0], err) == (1, first, "")
    assert "chtab -d|--delete" in out


def test_tables_and_columns_that_are_not(sb: Sb) -> None:
    assert sb("chtab", "key=x", "nosuch.value=1") == (1, "Table nosuch does not exist.\n", "")
    assert sb("tabch", "key=x", "nosuch.value=1") == (1, "Table nosuch does not exist.\n\n", "")
    assert sb("tabch", "-d", "key=x", "nosuch") == (1, "Table nosuch does not exist.\n", "")
    assert sb("tabch", "foo=x", "site.value=1") == (1, "", error('No column "foo" in table "site"'))
    assert sb("tabch", "key=x", "site.bar=1") == (1, "", error("site.bar not a valid table.column description"))
    assert sb("tabch", "foo", "site.value=1") == (1, f'Incorrect argument "foo".\n\n{SEE}', "")
    assert sb("tabch", "-d", "key=x") == (1, f"Missing table name.\n\n{SEE}", "")


def test_all_tables_or_none(sb: Sb) -> None:
    code, _out, err = sb("chtab", "node=n1", "nodelist.groups=all", "nodehm.mgt=nosuch")
    assert code == 1
    assert "'nosuch' is not a legal value of 'mgt'." in err
    assert sb("tabdump", "nodelist").out.splitlines()[1:] == []


def test_logs_are_only_read(sb: Sb) -> None:
    assert sb("chtab", "recid=1", "auditlog.comments=x").code == 1
    assert sb("tabch", "-d", "recid=1", "auditlog").code == 1


@pytest.mark.parametrize("remove", [["rmdef", "n1"], ["noderm", "n1"], ["chtab", "-d", "node=n1", "nodelist"]])
def test_a_removed_node_leaves_no_row(sb: Sb, remove: list[str]) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "bmc=b")
    for port in "123":
        sb("chtab", f"node=n1,switch=s,port={port}", "switch.vlan=1")
    assert sb("tabdump", "switch").out.count('"n1"') == 3
    assert sb(*remove).code == 0
    for table in ("nodelist", "nodehm", "ipmi", "switch"):
        assert len(sb("tabdump", table).out.splitlines()) == 1, table


def test_a_column_told_early_becomes_an_attribute(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi")
    sb("chtab", "node=n1", "openbmc.bmc=b", "nodehm.comments=hidden")
    assert "bmc" not in sb("lsdef", "n1").out
    sb("chdef", "n1", "mgt=openbmc")
    assert sb("lsdef", "n1", "-i", "bmc").out == "Object name: n1\n    bmc=b\n"
    assert "hidden" not in sb("lsdef", "n1").out


def test_a_disabled_row_is_as_if_it_were_not_there(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=compute", "mgt=ipmi", "ip=10.0.0.1")
    sb("chtab", "node=compute", "nodehm.cons=ipmi", "nodetype.arch=x86_64")
    assert sb("lsdef", "n1", "-i", "cons,mgt,arch", "-c").out == "n1: arch=x86_64\nn1: cons=ipmi\nn1: mgt=ipmi\n"
    sb("chtab", "node=compute", "nodehm.disable=1")
    assert sb("lsdef", "n1", "-i", "cons,mgt,arch", "-c").out == "n1: arch=x86_64\nn1: cons=\nn1: mgt=ipmi\n"
    sb("chtab", "node=n1", "nodehm.disable=yes")
    assert sb("lsdef", "n1", "-i", "mgt,ip", "-c").out == "n1: ip=10.0.0.1\nn1: mgt=\n"
    assert '"n1",,"ipmi",,,,,,,,,,,,,"yes"\n' in sb("tabdump", "nodehm").out
    sb("chtab", "node=n1", "nodehm.disable=")
    assert sb("lsdef", "n1", "-i", "mgt", "-c").out == "n1: mgt=ipmi\n"


def test_passwords_of_users_of_an_fsp_are_listed(sb: Sb) -> None:
    sb("mkdef", "f1", "groups=all", "mgt=fsp", "passwd.HMC=secret")
    assert "    passwd.HMC=***\n" in sb("lsdef", "f1").out


def test_long_options_may_have_one_hyphen(sb: Sb) -> None:
    assert sb("chtab", "-version") == sb("chtab", "--version") == sb("chtab", "-v")
    assert sb("chtab", "-version").out.startswith("chtab Version ")
    assert sb("chtab", "-help") == sb("chtab", "-h")
    sb("chtab", "key=foo", "site.value=1")
    assert sb("chtab", "-delete", "key=foo", "site") == (0, "", "")
    assert sb("gettab", "key=foo", "site.value") == (0, "", "")
