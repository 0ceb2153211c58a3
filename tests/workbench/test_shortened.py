"""Lines that systemd 252 has shortened: no sequence is broken, and the colour ends with the line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.workbench.nodes import ansi
from sbkernel.workbench.nodes.shortened import Mender, mended

BOLD = "\x1b[0;1;39m"
LINES = [
    # What fd_columns() and ellipsize() of 252 make of such lines at 80 columns.
    f"         Starting {BOLD}systemd-tmpfiles-se…reate Static Device Nodes in /dev...\r\nnext\r\n",
    f"         Starting {BOLD}systemd-tmpfiles-setup.s\x1b[…Volatile Files and Directories...\r\nnext\r\n",
    f"         Starting {BOLD}systemd-tmpfiles-setup.s\x1b[0…Volatile Files and Directories...\r\nnext\r\n",
    "         Starting \x1b[0;1…system-systemd\\x2dgrowfs.slice\x1b[0m - Slice /system/systemd-growfs...\r\nnext\r\n",
    f"         Starting {BOLD}a-service-that-is-named-…[0m - Something of Some Length ...\r\nnext\r\n",
    f"[\x1b[0;32m  OK  \x1b[0m] Finished {BOLD}kmod-st…\x1b[0m - Create List of Static Device Nodes.\r\nnext\r\n",
    "         Starting …;1;39mname.service\x1b[0m - Something ...\r\nnext\r\n",
]


def bold(text: str) -> str:
    return "".join(run for run, style in ansi.runs(text) if style.bold)


@pytest.mark.parametrize("line", LINES)
def test_nothing_is_bold_after_a_shortened_line_and_no_sequence_is_broken(line: str) -> None:
    shown = mended(line.encode()).decode()
    assert not re.search(r"\x1b\[?[\d;]*[^\x20-\x7e]", shown), "xterm.js logs an error for such"
    assert "next" not in bold(shown)
    assert not re.search(r"…(\[?0m|[\d;]*39m)", ansi.plain(shown))
    assert ansi.plain(shown).endswith("\nnext\n") and "…" in shown


def test_without_it_the_next_line_is_bold() -> None:
    assert "next" in bold(LINES[0])


@given(st.data())
def test_pieces_are_mended_as_the_whole(data: st.DataObject) -> None:
    parts = st.sampled_from(["\x1b", "[", "0", ";1", "39m", "0m", "…", "\r", "\n", "text", "â", "\x1b[2J"])
    text = "".join(data.draw(st.lists(parts, max_size=30))).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    mender = Mender()
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert b"".join(map(mender.feed, pieces)) + mender.feed(b"\n").removesuffix(b"\n") == mended(text)


def test_a_cut_that_ends_a_piece_waits_with_what_it_went_through() -> None:
    mender = Mender()
    assert mender.feed("a\x1b…".encode()) + mender.feed(b"\n") == mended("a\x1b…\n".encode())


@given(st.text(alphabet="ab\x1b[0;1m\r\n …"))
def test_the_words_stay(text: str) -> None:
    assert re.findall("[ab]", mended(text.encode()).decode()) == re.findall("[ab]", text)


def test_colours_that_go_on_over_lines_stay() -> None:
    screen = b"\x1b[44mmenu\r\n  one\r\n  two\x1b[0m\r\n"
    assert mended(screen) == screen
