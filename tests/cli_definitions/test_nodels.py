"""nodels: xCAT's lines, labels, criteria and errors."""

from pathlib import Path

import pytest
from sbrun import MN, Sb, error


@pytest.fixture(autouse=True)
def nodes(sb: Sb) -> None:
    sb("nodeadd", "n[1-3]", "groups=all,compute", "nodetype.os=debian12")
    sb("nodech", "n1", "mgt=ipmi", "ipmi.bmc=10.0.0.1", "ipmi.password=hush", "groups,=rack1")
    sb("nodegrpch", "compute", "nodehm.power=ipmi")


def lines(*words: str) -> str:
    return "".join(f"{word}\n" for word in words)


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ((), lines("n1", "n2", "n3")),
        (("n1,n3",), lines("n1", "n3")),
        (("compute,-n2",), lines("n1", "n3")),
        (("groups=~rack",), lines("n1")),
        (("all", "mgt"), lines("n1: ipmi", "n2: ", "n3: ")),
        (("n1", "groups"), lines("n1: rack1,all,compute")),
        (("n1", "tags"), lines("n1: rack1,all,compute")),
        (("n1", "nodehm.mgt"), lines("n1: ipmi")),
        (("-H", "n1", "nodehm.mgt"), lines("n1: nodehm.mgt: ipmi")),
        (("n1", "mgt", "--with-fieldname"), lines("n1: mgt: ipmi")),
        (("n1,n2", "mgt", "tags"), "n1: mgt: ipmi\nn1: tags: rack1,all,compute\nn2: mgt: \nn2: tags: all,compute\n"),
        (("n1", "groups", "tags"), lines("n1: tags: rack1,all,compute")),
        (("all", "mgt==ipmi"), lines("n1")),
        (("all", "mgt!=ipmi"), lines("n2", "n3")),
        (("all", "groups=~/^rack/"), lines("n1")),
        (("all", "groups!~rack"), lines("n2", "n3")),
        (("all", "groups==all,compute"), lines("n2", "n3")),
        (("all", "mgt!=ipmi", "groups=~rack"), ""),
        (("all", "mgt==ipmi", "mgt"), lines("n1: mgt: ipmi")),
        (("all", "mgt==ipmi", "nodetype.os"), lines("n1: nodetype.os: debian12")),
        (("n2", "nodehm.power"), lines("n2: ipmi")),
        (("-b", "n1", "nodehm.power"), lines("n1: ipmi (inherited from group compute)")),
        (("n1", "--blame", "mgt"), lines("n1: ipmi")),
        (("n1", "ipmi.password"), lines("n1: ***")),
        (("n1", "ipmi.password", "--reveal"), lines("n1: hush")),
        (("nodehm.mgtt==ipmi",), ""),
        (("-V", "n1"), f"[{MN}]: n1\n"),
    ],
)  # fmt: skip
def test_lines(sb: Sb, words: tuple[str, ...], out: str) -> None:
    assert sb("nodels", *words) == (0, out, "")


def test_a_table_shows_all_its_columns_set_ones_first(sb: Sb) -> None:
    assert sb("nodels", "n2", "nodetype").out == (
        "n2: nodetype.node: n2\nn2: nodetype.os: debian12\nn2: nodetype.arch: \nn2: nodetype.comments: \n"
        "n2: nodetype.disable: \nn2: nodetype.nodetype: \nn2: nodetype.profile: \nn2: nodetype.provmethod: \n"
        "n2: nodetype.supportedarchs: \n"
    )
    assert "n2: ipmi.node: \n" in sb("nodels", "n2", "ipmi").out


def test_unknown_columns_are_named_and_the_others_shown(sb: Sb) -> None:
    unknown = " not a valid table.column description"
    assert sb("nodels", "n1", "foo", "mgt") == (1, "n1: ipmi\n", error(f"foo{unknown}"))
    assert sb("nodels", "n1", "nodehm.foo", "mgt") == (1, "n1: mgt: ipmi\n", error(f"nodehm.foo{unknown}"))
    assert sb("nodels", "n1", "foo.bar") == (1, "", error(f"foo.bar{unknown}"))
    assert sb("nodels", "n1", "site.value").code == 1


def test_two_criteria_on_a_column_are_refused(sb: Sb) -> None:
    assert sb("nodels", "all", "mgt==ipmi", "mgt!=kvm") == (0, "", error("Multiple selection critera for mgt"))


def test_unknown_nodes(sb: Sb) -> None:
    assert sb("nodels", "n1,x,y") == (1, "", "Error: Invalid nodes and/or groups in noderange: x,y\n")


def test_hidden_nodes_need_S(sb: Sb) -> None:  # noqa: N802
    sb("nodech", "n2", "nodelist.hidden=1")
    assert sb("nodels").out == sb("nodels", "all").out == lines("n1", "n3")
    assert sb("nodels", "n2", "mgt") == (0, "", "")
    assert sb("nodels", "-S").out == lines("n1", "n2", "n3")


def test_an_expression_shows_as_its_value(sb: Sb) -> None:
    sb("nodegrpch", "compute", r"ipmi.bmc=|\D+(\d+)|10.0.1.($1+100)|")
    assert sb("nodels", "n2", "ipmi.bmc").out == "n2: 10.0.1.102\n"


@pytest.mark.parametrize("words", [("-h",), ("-?",), ("--help",), ("-q",), ("n1", "--nope")])
def test_usage_goes_to_stdout(sb: Sb, words: tuple[str, ...]) -> None:
    done = sb("nodels", *words)
    assert done.out.startswith("Usage:\n  nodels [noderange] [-b|--blame]")
    assert (done.code, done.err) == (int(words not in [("-h",), ("-?",), ("--help",)]), "")


def test_version(sb: Sb) -> None:
    assert sb("nodels", "-v").out == sb("nodels", "--version").out
    assert sb("nodels", "-v").out.startswith("Version ")


def test_an_empty_site_has_no_lines(sb: Sb) -> None:
    sb("noderm", "all")
    assert sb("nodels") == (0, "", "")


def test_a_file_of_names_may_be_relative(sb: Sb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "names").write_text("n1\nn3: rack 2\n")
    monkeypatch.chdir(tmp_path)
    assert sb("nodels", "^names") == sb("nodels", f"^{tmp_path}/names") == (0, lines("n1", "n3"), "")
    assert sb("lsdef", "n2,^./names", "-s").out == lines("n1  (node)", "n2  (node)", "n3  (node)")
    assert sb("nodels", "^none").err == "Error: noderange: none cannot be read: No such file or directory\n"
