"""The keyboard of rcons: everything typed arrives, only `Ctrl-e c KEY` is ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.service.console.escape import EscapeReader, Keys

typed = st.lists(st.sampled_from([b"\x05", b"c", b"e", b"f", b"s", b"?", b"x", b"\r"]), max_size=20).map(b"".join)


def read(*pieces: bytes) -> Keys:
    reader = EscapeReader()
    parts = [reader.feed(piece) for piece in pieces]
    return Keys(b"".join(part.data for part in parts), "".join(part.commands for part in parts))


@given(typed)
def test_keys_one_by_one_mean_the_same_as_a_paste(text: bytes) -> None:
    assert read(*(bytes([byte]) for byte in text)) == read(text)


@given(st.binary().filter(lambda text: 5 not in text))
def test_text_without_the_escape_passes_untouched(text: bytes) -> None:
    assert read(text) == Keys(text, "")


def test_commands() -> None:
    assert read(b"ls\r\x05c.") == Keys(b"ls\r", ".")
    assert read(b"\x05c?\x05cf") == Keys(b"", "?f")
    assert read(b"\x05ce") == Keys(b"\x05c", "")
    assert read(b"\x05x\x05\x05c.") == Keys(b"\x05x\x05", ".")
    assert read(b"\x05c.rest") == Keys(b"", ".")
