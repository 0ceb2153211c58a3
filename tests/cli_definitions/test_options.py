"""How xCAT's verbs read their options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.cli.options import FILE, Option, OptionError, flag, parse_options

OPTIONS = (
    flag("-l", "--long", name="is_long"),
    flag("-z", "--stanza", name="stanza"),
    flag("-h", "-?", "--help", name="wants_help"),
    Option(("-t", "--type"), "types", "TYPES"),
    Option(("-w",), "where", "COND", many=True),
    Option(("--template",), "template", "NAME", optional=True),
    Option(("-n", "--number"), "number", "NUMBER", numbers=range(101)),
)
READ = [
    ("-lz a", {"is_long": True, "stanza": True}, ("a",)),
    ("a -l b", {"is_long": True}, ("a", "b")),
    ("-t osimage -tnode", {"types": "node"}, ()),
    ("-lt osimage x", {"is_long": True, "types": "osimage"}, ("x",)),
    ("--type=a,b --ty c", {"types": "c"}, ()),
    ("--type=", {"types": ""}, ()),
    ("-w a==b -w c!=d", {"where": ("a==b", "c!=d")}, ()),
    ("-w -l", {"where": ("-l",)}, ()),
    ("--template -l", {"template": "", "is_long": True}, ()),
    ("--template x", {"template": "x"}, ()),
    ("--template", {"template": ""}, ()),
    ("-? - n=-v", {"wants_help": True}, ("-", "n=-v")),
    ("-l -- -z --type", {"is_long": True}, ("-z", "--type")),
    ("-n 100 --num=0", {"number": 0}, ()),
]
WRONG = [
    ("-lx", "Unknown option: x"), ("--nonsense", "Unknown option: nonsense"), ("-t", "'-t' requires an argument"),
    ("--t x", "'--t' is ambiguous"), ("--long=x", "'--long' does not take a value"), ("-n 101", "from 0 to 100"),
    ("-n -1", "from 0 to 100"), ("-n x", "from 0 to 100"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "values", "rest"), READ, ids=[case[0] for case in READ])
def test_options_and_words(words: str, values: dict[str, object], rest: tuple[str, ...]) -> None:
    assert parse_options(OPTIONS, words.split()) == (values, rest)


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[case[0] for case in WRONG])
def test_what_cannot_be_read_is_named(words: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_options(OPTIONS, words.split())


@given(st.lists(st.text(max_size=6) | st.sampled_from(["-l", "-t", "--", "-w", "--template", "--ty=x"])))
def test_no_words_make_it_fail_otherwise(words: list[str]) -> None:
    try:
        values, rest = parse_options(OPTIONS, words)
    except OptionError:
        return
    assert set(rest) <= set(words)
    assert set(values) <= {option.name for option in OPTIONS}


def test_a_path_is_not_empty() -> None:
    for words in (("-f", ""), ("--file=",)):
        with pytest.raises(OptionError, match="requires an argument"):
            parse_options([Option(("-f", "--file"), "file", FILE)], words)
