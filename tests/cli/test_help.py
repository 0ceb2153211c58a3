"""What `sb -h` and `sb VERB -h` show, and what a wrong verb is answered."""

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sbkernel import cli
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS, VERBS, main
from sbkernel.cli.verb import module_of

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
    assert {path.stem for path in room.glob("*/*.py") if has_a_verb(path)} == set(VERBS)


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


def takers(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a verb with each of its options that take one value, whatever that is."""
    for name, one in command.commands.items() if isinstance(command, click.Group) else ():
        yield from takers(one, *words, name)
    for param in command.params:
        if isinstance(param, click.Option) and not param.is_flag and param.nargs == 1:
            yield (*words, param.opts[0])


CLICK_VERBS = {verb: found for verb in VERBS if isinstance(found := module_of(verb).command, click.Command)}


@pytest.mark.parametrize(
    "words", [words for verb, found in CLICK_VERBS.items() for words in takers(found, verb)], ids=" ".join
)
def test_an_option_takes_no_empty_value(words: tuple[str, ...], tmp_path: Path) -> None:
    """Such a value is a variable of a shell that is not set; nothing may happen as if the option were not there."""
    done = sb("--site", str(tmp_path), *words, "")
    assert done.exit_code == 2, done.output
    assert "is empty" in done.output or "is not" in done.output or "is no" in done.output, done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--site", "", "lsdef"), ("--site=", "lsdef"), ("--site", "", "genimage", "x")])
def test_an_empty_site_is_not_the_default_one(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 1 and "--site names no directory: it is empty" in capsys.readouterr().err
