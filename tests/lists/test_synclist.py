"""synclist: what xdcp copies, and what it drops without a word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import ListFileError
from sbkernel.lists import synclist
from sbkernel.lists.syncline import substituted, variables

EXAMPLE = """\
# column-0 comment
/install/custom/files/motd -> /etc/motd
/install/custom/files/limits.conf /install/custom/files/chrony.conf -> /etc/site/
/install/custom/files/gpu.conf -> (gpu,n[10-19]) /etc/gpu.conf
/install/custom/scripts/reload -> /opt/site/reload
/install/custom/scripts/chrony.conf.post -> /opt/site/chrony.conf.post
EXECUTE:
/install/custom/scripts/chrony.conf.post
EXECUTEALWAYS:
/install/custom/scripts/reload
APPEND:
/install/custom/files/extra_hosts -> /etc/hosts
MERGE:
/install/custom/files/extra_passwd -> /etc/passwd
"""


def test_reference_example() -> None:
    parsed = synclist.parse(EXAMPLE)
    assert [item.destination for item in parsed.section()] == [
        "/etc/motd", "/etc/site/", "/etc/gpu.conf", "/opt/site/reload", "/opt/site/chrony.conf.post",
    ]  # fmt: skip
    assert parsed.items[1].sources == ("/install/custom/files/limits.conf", "/install/custom/files/chrony.conf")
    assert parsed.items[2].noderange == "gpu,n[10-19]"
    assert [item.sources[0] for item in parsed.section("EXECUTE")] == ["/install/custom/scripts/chrony.conf.post"]
    assert [item.sources[0] for item in parsed.section("EXECUTEALWAYS")] == ["/install/custom/scripts/reload"]
    assert [item.destination for item in parsed.section("APPEND")] == ["/etc/hosts"]
    assert [item.destination for item in parsed.section("MERGE")] == ["/etc/passwd"]
    assert [str(one) for one in parsed.diagnostics] == [
        "synclist:4:1: info: kept for boot: only for gpu,n[10-19]",
        "synclist:8:1: warning: /install/custom/scripts/chrony.conf.post never runs: "
        "no line copies /install/custom/scripts/chrony.conf",
        "synclist:10:1: info: runs in the image when it is packed, and is kept for boot",
    ]


COPY = "/a -> /a\n"


@pytest.mark.parametrize(
    ("text", "says", "remedy"),
    [
        (f"{COPY}/b->/c", "2:1: warning: ignored: /b->/c", "a blank on each side"),
        (f"{COPY}/b\t->\t/c", "2:1: warning: ignored: /b\\t->\\t/c", "a blank on each side"),
        (f"{COPY} # note", "2:1: warning: for xCAT this is not a comment", "Remove the blank."),
        ("/b -> /c  # note", "1:1: error: the remark becomes part of the destination: /c#note", "a line of its own"),
        ("/b -> /c d;", "1:1: warning: xCAT drops blanks and ; from the destination: /cd", "Leave them out."),
        ("/b -> c", "1:1: error: the destination is not a full path: c", "full path"),
        ("b -> /c", "1:1: error: b is not a full path", "full path"),
        ("/a /b -> /c", "1:1: warning: /c is taken for a directory", "End the destination in /"),
        ("/a -> /b/../c", "1:1: error: the destination may not contain ..: /b/../c", "as it is on the node"),
        ("/a -> () /c", "1:1: error: no noderange between the parentheses", "(n1-n9)"),
        ("/a -> (n1-n3/c", "1:1: error: the parenthesis of the noderange is not closed", "(n1-n9)"),
        (f"{COPY}execute:", "2:1: warning: ignored: execute:", "The clauses are EXECUTE:"),
        (f"{COPY}APPENDOO:", "2:1: warning: ignored: APPENDOO:", "source -> destination"),
        (f"{COPY}/x/MERGE:/y -> /z", "2:1: warning: xCAT takes this line for the clause MERGE:", "rename"),
        (f"{COPY}EXECUTE:\n/x.sh", "3:1: warning: /x.sh never runs: EXECUTE: only runs FILE.post", "EXECUTEALWAYS:"),
        (f"{COPY}EXECUTE:\n/b.post", "3:1: warning: /b.post never runs: no line copies /b", "Add the line"),
        (f"{COPY}EXECUTEALWAYS:\n/b", "3:1: warning: /b is not on the node: no line copies /b", "Add the line"),
        ("MERGE:\n/b -> /etc/hosts", "2:1: error: MERGE: cannot change /etc/hosts", "Only /etc/passwd"),
        ("# nothing\n", "1:1: error: Found no lines to process in synclist.", "at least one line"),
        (f"{COPY}#INCLUDE:b#", "2:1: warning: a synclist cannot include another file", "Name both files"),
    ],
)  # fmt: skip
def test_what_xcat_misreads_is_said(text: str, says: str, remedy: str) -> None:
    (found,) = synclist.parse(text).diagnostics
    assert str(found).startswith(f"synclist:{says}")
    assert remedy in found.remedy


def test_a_remark_behind_a_script_is_part_of_its_name() -> None:
    (found, _) = synclist.parse(f"{COPY}EXECUTEALWAYS:\n/a # always\n").diagnostics
    assert "takes the whole line as the name of a script: /a # always" in found.message


def test_several_files_are_read_in_order_and_an_empty_one_is_refused_only_by_lint(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"/{name} -> /{name}\nAPPEND:\n/more -> /more\n")
    (tmp_path / "none").write_text("# nothing yet\n")
    loaded = synclist.load([tmp_path / "one", tmp_path / "none", tmp_path / "two"])
    assert [item.destination for item in loaded.section()] == ["/one", "/two"]
    assert [item.destination for item in loaded.section("APPEND")] == ["/more", "/more"]
    (tmp_path / "one").write_text("/one -> here\n")
    with pytest.raises(ListFileError, match="one:1: the destination is not a full path"):
        synclist.load([tmp_path / "one"])


def test_variables_come_from_the_environvar() -> None:
    (item,) = synclist.parse("/files/${SITE}/$NAME.conf -> /etc/$NAME.conf\n").items
    assert variables(item) == ("SITE", "NAME")
    assert substituted(item.sources[0], {"SITE": "lab", "NAME": "x"}) == "/files/lab/x.conf"
    assert substituted(item.sources[0], {}) == item.sources[0]


PATHS = st.from_regex(r"/[a-z0-9._*-]{1,9}", fullmatch=True).filter(lambda path: ":" not in path)
COPIES = st.tuples(st.lists(PATHS, min_size=1, max_size=3), PATHS, st.sampled_from(["", "(n1-n9) "]))


def test_a_script_is_copied_by_a_pattern_and_with_its_directory() -> None:
    scripts = "EXECUTEALWAYS:\n/a/x.sh\n/b/c/y\n/d/z\n"
    parsed = synclist.parse(f"/a/*.sh -> /opt/\n/b -> /opt/\n/d/z -> (n1) /opt/z\n{scripts}")
    assert [f"{one.line}: {one.severity}: {one.message}" for one in parsed.diagnostics] == [
        "3: info: kept for boot: only for n1",
        "5: info: runs in the image when it is packed, and is kept for boot",
        "6: info: runs in the image when it is packed, and is kept for boot",
        "7: info: kept for boot: /d/z is only for some nodes",
    ]


@given(st.lists(COPIES, max_size=4), st.lists(PATHS, max_size=3))
def test_what_was_written_is_read(copies: list[tuple[list[str], str, str]], scripts: list[str]) -> None:
    lines = [f"{' '.join(sources)} -> {nodes}{target}\n" for sources, target, nodes in copies]
    parsed = synclist.parse("".join([*lines, "EXECUTEALWAYS:\n", *(f"{script}\n" for script in scripts)]))
    assert [(list(item.sources), item.destination) for item in parsed.section()] == [(s, d) for s, d, _ in copies]
    assert [item.sources[0] for item in parsed.section("EXECUTEALWAYS")] == scripts
