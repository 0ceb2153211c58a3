"""Console text: colours become inline styles, every other control goes, the text stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.workbench.nodes import ansi


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("\x1b[32m[  OK  ]\x1b[0m Started\r\n", "[  OK  ] Started\n"),
        ("\x1b[2J\x1b[1;1HiPXE 1.21", "iPXE 1.21"),
        ("\x1b]0;title\x07prompt", "prompt"),
        ("\x1bcreset", "reset"),
        ("50%\r100%\r\n", "100%\n"),
        ("Press Ctrl-B\r            \r\nok", "            \nok"),
        ("command line...\b \b\b \b\b \bnet0", "command linenet0"),
        ("[*  ] Job a\r\r\n\x1bM\r\r\n\x1b[K[** ] Job a\r\r\n", "[*  ] Job a\n[** ] Job a\n"),
        ("a\r\r\nb", "a\nb"),
        ("bell\x07 null\x00", "bell null"),
        ("unfinished \x1b[3", "unfinished 3"),
    ],
)
def test_plain(sent: str, shown: str) -> None:
    assert ansi.plain(sent) == shown


@given(st.text())
def test_no_control_is_left(text: str) -> None:
    assert not set(ansi.plain(text)) & {chr(n) for n in [*range(9), 11, 12, *range(13, 32), 127]}


def test_colours_and_weight_become_runs() -> None:
    runs = ansi.runs("a\x1b[1;31mb\x1b[22mc\x1b[39md\x1b[38;5;196me\x1b[0mf")
    assert [(text, style.bold, bool(style.colour)) for text, style in runs] == [
        ("a", False, False),
        ("b", True, True),
        ("c", False, True),
        ("d", False, False),
        ("e", False, False),
        ("f", False, False),
    ]


def test_last_lines_are_those_that_show_something() -> None:
    assert ansi.last_lines("one\r\ntwo\r\n\x1b[32mthree\x1b[0m\r\n\r\n \r\n\x1b[0m", 2) == "two\n\x1b[32mthree\x1b[0m"
