"""What `sb -h` and `sb VERB -h` show, and what a wrong verb is answered."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sbkernel import cli
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS, VERBS

USAGE_OF_XCAT = {*VERB_GROUPS["Define them through xCAT's tables"], "nodels", "tabdump", "gettab", "tabgrep"}
"""Verbs that print xCAT's usage, long lines included."""


def sb(*words: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(group(VERB_GROUPS), list(words), prog_name="sb")


def has_a_verb(path: Path) -> bool:
    """Whether a module assigns or defines `command`."""
    names = (
        target
        for node in ast.parse(path.read_text()).body
        for target in (node.targets if isinstance(node, ast.Assign) else [node])
    )
    return "command" in {getattr(one, "name", getattr(one, "id", "")) for one in names}


def test_every_module_of_a_verb_is_in_the_table_and_every_verb_has_its_module() -> None:
    room = Path(cli.__file__).parent
    assert {path.stem for path in room.glob("*.py") if has_a_verb(path)} == set(VERBS)


def test_a_verb_is_in_one_group() -> None:
    assert len(VERBS) == sum(map(len, VERB_GROUPS.values()))


def test_help_names_each_verb_once_below_its_group_on_a_line_of_its_own() -> None:
    lines = sb("-h").stdout.splitlines()
    listed = [line.split()[0] for line in lines[lines.index(f"{next(iter(VERB_GROUPS))}:") :] if line.startswith("  ")]
    assert listed == list(VERBS)
    assert [line for line in lines if line.removesuffix(":") in VERB_GROUPS] == [f"{title}:" for title in VERB_GROUPS]


def test_help_says_what_to_try_first_before_the_verbs() -> None:
    text = sb("-h").stdout
    assert text.index("sb demo") < text.index("See what is defined")


@pytest.mark.parametrize("words", [(), *((verb,) for verb in VERBS if verb not in USAGE_OF_XCAT)], ids=" ".join)
def test_help_fits_80_columns(words: tuple[str, ...]) -> None:
    shown = sb(*words, "-h")
    assert shown.exit_code == 0, shown.output
    assert [line for line in shown.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("genimg", "genimage"), ("chdev", "chdef"), ("LSDEF", "lsdef"), ("image", "images or rmimage or genimage"),
        ("off", "rpower"), ("console", "rcons"),
    ],
)  # fmt: skip
def test_a_wrong_verb_names_those_that_may_be_meant(wrong: str, meant: str) -> None:
    answer = sb(wrong)
    assert answer.exit_code == 2
    assert f"no verb '{wrong}'; did you mean {meant}" in answer.stderr


def test_a_word_like_no_verb_points_to_the_help() -> None:
    answer = sb("xyzzy")
    assert answer.exit_code == 2
    assert "no verb 'xyzzy'\n" in answer.stderr and "sb --help" in answer.stderr
