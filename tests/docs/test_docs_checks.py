"""The tests of the pages find what is wrong in a page."""

from pathlib import Path

import pytest
from docblocks import Block, BlockError, blocks, inline, shows, steps
from docparse import check, check_inline
from docrun import desk, run


def page(language: str, text: str) -> str:
    return f"# Title\n\nText.\n\n```{language}\n{text}\n```\n"


def only(language: str, text: str) -> Block:
    (found,) = blocks("page.md", page(language, text))
    return found


WRONG = [
    ("sb genimage --no-such mine", "No such option"),
    ("sb genimg mine", "there is no verb"),
    ("sb packimage", "Missing argument"),
    ("sb packimage mine extra", "unexpected extra argument"),
    ("sb service ngnix", "No such command"),
    ("sb service nginx --prot 80", "No such option"),
    ("sb pkg mine explode", "is not one of"),
    ("sb mkvm vn1 --memory lots", "not a valid integer"),
    ("sb lsdef -t osimage --no-such", "Unknown option"),
    ("sb lsdef -t osimag", "osimag"),
    ("sb nodels n1 --wrong", "nodels"),
    ("sb diff a b && sb gc --wrong", "No such option"),
    ("sb jobs | sb attach --wrong", "No such option"),
    ("FOO=1 sudo sb gc --wrong > out 2>&1", "No such option"),
    ("sb genimage mine \\\n  --wrong", "No such option"),
    ("if true; then sb gc --wrong; fi", "No such option"),
    ("python3 -m sbkernel docs", "Missing option"),
    ("lsdef --no-such", "Unknown option"),
    ("frobnicate it", "no program 'frobnicate' is known"),
    ("sb gc &&", "yntax error"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_command_that_is_only_read_is_found(text: str, message: str) -> None:
    with pytest.raises(BlockError, match=rf"(?s)^page\.md:6: .*{message}"):
        check(only("sh parse", text))


RIGHT = [
    "sb gc --dry-run   # what would be removed; sb gc --wrong is in a comment",
    "sb xdsh compute 'sb gc --wrong; frobnicate' | sb xdshbak -c",
    "cat > file <<'END'\nsb gc --wrong\nEND\nsb gc",
    "sb --site /srv/site lsdef -t node n1",
    "python3 -m sbkernel test tests/docs",
    "sb genimage mine --on 'dask:head1:8786?os=debian12'",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_command_is_let_through(text: str) -> None:
    check(only("sh parse", text))


def test_a_wrong_magic_that_is_only_read_is_found() -> None:
    with pytest.raises(BlockError, match=r"page\.md:6: .*No such option"):
        check(only("ipython parse", "%load_ext sbkernel\n%sb gc --wrong"))


@pytest.mark.parametrize("text", ["from sbkernel.site import Sites", "import sbkernel.sight", "print("])
def test_a_wrong_program_that_is_only_read_is_found(text: str) -> None:
    with pytest.raises(BlockError, match=r"page\.md:6"):
        check(only("python parse", text))
    check(only("python parse", "from sbkernel.site import Site\nawait Site.open()"))


@pytest.mark.parametrize("text", ["see `sb gemimage`", "see `sb gc --wrong`", "see `sb service nginx --prot`"])
def test_a_wrong_command_within_the_text_is_found(text: str) -> None:
    (found,) = inline("page.md", text)
    with pytest.raises(BlockError, match=r"^page\.md:1: "):
        check_inline(found)


def test_commands_stand_where_they_are_checked() -> None:
    with pytest.raises(BlockError, match="blocks of sh or console"):
        list(blocks("page.md", page("bash", "sb gc")))
    with pytest.raises(BlockError, match="no mode 'skip'"):
        list(blocks("page.md", page("sh skip", "sb gc")))


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("sh", "sb lsdef -t osimage --no-such", "exit code 1"),
        ("sh", "false && true\ntrue", "exit code 1"),
        ("sh", "echo $NOT_SET", "exit code 2"),
        ("console", "$ sb lsdef -t node\nn1  (node)", "The page shows"),
        ("console", "$ true  # exits with 1", "exit code 0, not 1"),
        ("python", "import sbkernel.sight", "exit code 1"),
        ("ipython", "%load_ext sbkernel\n%sb lsdef -t osimage no-such\nprint('reached')", "exit code 1"),
    ],
)
def test_a_wrong_command_that_is_run_is_found(tmp_path: Path, language: str, text: str, message: str) -> None:
    with desk(tmp_path) as one, pytest.raises(BlockError, match=rf"(?s)^page\.md:6: .*{message}"):
        run(one, [only(language, text)])


def test_blocks_are_run_in_order_in_one_home_with_the_parts_of_a_line_together(tmp_path: Path) -> None:
    with desk(tmp_path) as one:
        run(
            one,
            [
                only("sh", "cat > a <<'END'\none\nEND\necho two \\\n  three >> a"),
                only("console", "$ cat a\none\ntwo three"),
            ],
        )


def test_output_is_compared_with_gaps() -> None:
    assert shows(["a ... c", "...", "z"], ["a  b   c", "x", "y", "z"])
    assert shows(["...", "z"], ["z"])
    assert not shows(["a"], ["a", "b"])
    assert not shows(["a.c"], ["abc"])


def test_a_command_in_a_console_may_go_on_and_may_fail() -> None:
    found = steps(only("console", "$ echo a \\\n> b\na b\n$ false  # exits with 1"))
    assert [(one.command, one.output, one.code) for one in found] == [("echo a \\\nb", ["a b"], 0), ("false", [], 1)]
