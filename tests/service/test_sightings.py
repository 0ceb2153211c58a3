"""Prompts and bad ends are found in a stream whatever pieces it comes in."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from sbkernel.service.console.plaintext import PlainText, plain
from sbkernel.service.console.sightings import ConsoleWatch, Sighting

PROMPT = Sighting("login", "vn1 login:")
PIECES = [
    b"vn1 login: ", b"\r\n", b"\n", b"\r", b"Debian GNU/Linux 12 vn1 ttyS0\n", b"\x1b[32m", b"\x1b[0;1;31mlo", b"gin:",
    b"[   12.345678] usb 1-1: new device", b"Last login: Sun Nov 22", b"\x1b]0;title", b"\x07", b"\x1b", b"\x1b\\",
    b"\x1b[", b"Kernel panic - not syncing: VFS",
    b"You are in emergency mode. After", b"\x1b(B", b"\x00", b"vn1", b" login:",
]  # fmt: skip
streams = st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=25).map(b"".join)
cuts = st.lists(st.integers(0, 400), max_size=40)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[begin:end] for begin, end in pairwise(places)]


def sightings(*pieces: bytes) -> list[Sighting]:
    watch = ConsoleWatch()
    return [sighting for piece in pieces for sighting in watch.feed(piece)]


@given(streams, cuts)
@example(b"\x1b[0mvn1 lo\x1b[1mgin: ", [1, 2, 3, 9, 10, 11])
def test_what_is_seen_does_not_depend_on_the_cuts(data: bytes, cuts: list[int]) -> None:
    assert sightings(*chunks(data, cuts)) == sightings(data)


@given(streams, cuts)
def test_plain_text_does_not_depend_on_the_cuts(data: bytes, cuts: list[int]) -> None:
    whole, pieces = PlainText(), PlainText()
    assert b"".join(map(pieces.feed, chunks(data, cuts))) == whole.feed(data)


@given(streams)
def test_plain_text_has_no_escapes(data: bytes) -> None:
    assert not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", PlainText().feed(data))


def test_a_prompt_is_seen_once_with_kernel_messages_around_it() -> None:
    text = b"\r\n\x1b[?2004h\x1b[1mDebian GNU/Linux 12 vn1\x1b[0m\r\n\r\nvn1 login: [   44.1] crng init done\r\n"
    assert sightings(text) == [PROMPT]
    assert sightings(text, b"\r\nvn1 login: ") == [PROMPT, PROMPT]


def test_the_greeting_after_a_login_is_not_a_prompt() -> None:
    assert sightings(b"Last login: Sun Nov 22 22:00:01 UTC 2026 on ttyS0\r\n") == []
    assert sightings(b"[ 1.0] systemd[1]: waiting for login: x\n") == []


def test_bad_ends_say_why() -> None:
    panic = b"[    2.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
    reason = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"
    assert sightings(panic) == [Sighting("failed", reason)]


def test_an_endless_line_costs_bounded_memory() -> None:
    watch = ConsoleWatch()
    for _ in range(1000):
        watch.feed(b"x" * 1000)
    assert len(watch._line) == 4096


def test_plain_ends_lines_as_text_does() -> None:
    assert plain(b"\x1b[1ma\x1b[0m\r\nb\r\r\nc\rd") == "a\nb\nc\nd"
