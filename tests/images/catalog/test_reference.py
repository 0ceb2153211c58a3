"""The words that name a version: read, written and resolved the same way everywhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.pointers import PUBLISH, ROLLBACK, Move, Pointers
from sbkernel.images.catalog.reference import DAY, DIGEST, UNKNOWN, WORDS, Reference, parse, resolve

IMAGES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+:-]{0,20}", fullmatch=True)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
WHOLE = st.lists(DIGESTS, min_size=1, max_size=6, unique=True)
BOTH = ("candidate", "current")


def moves(digests: list[str]) -> tuple[Move, ...]:
    return tuple(Move(digest, float(t), "me", "here", PUBLISH, pointers=BOTH) for t, digest in enumerate(digests))


def published(digests: list[str], image: str = "img") -> Pointers:
    return Pointers(image, moves(digests))


@given(IMAGES, st.one_of(st.sampled_from(["", *WORDS]), st.dates().map(str), DIGESTS.map(lambda one: one[:9])))
def test_what_is_written_reads_back(image: str, version: str) -> None:
    reference = Reference(image, version)
    assert parse(str(reference)) == reference
    assert reference.kind != UNKNOWN


@given(st.text(max_size=80))
def test_any_word_is_one_kind_or_unknown_and_never_a_crash(word: str) -> None:
    reference = parse(word)
    assert reference.kind in (*WORDS, DAY, DIGEST, UNKNOWN)
    assert parse(str(reference)) == reference
    digests = ["a" * 64, "b" * 64]
    try:
        assert resolve(reference, published(digests), digests) in digests
    except NotFoundError as error:
        assert error.hint


@given(WHOLE, st.data())
def test_the_beginning_of_a_digest_names_it_unless_another_begins_so(digests: list[str], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(digests))
    begins = wanted[: data.draw(st.integers(4, 64))]
    spelt = data.draw(st.sampled_from([begins, begins.upper()]))
    alike = [digest for digest in digests if digest.startswith(begins)]
    if len(alike) == 1:
        assert resolve(parse(f"img@{spelt}"), published(digests), digests) == wanted
        return
    with pytest.raises(NotFoundError, match=f"{len(alike)} versions that begin with {begins}"):
        resolve(parse(f"img@{spelt}"), published(digests), digests)


@given(WHOLE, st.text("0123456789abcdef", min_size=4, max_size=64))
def test_a_digest_that_is_not_there_is_never_another_one(digests: list[str], begins: str) -> None:
    assume(not any(digest.startswith(begins) for digest in digests))
    with pytest.raises(NotFoundError, match=f"image img has no version {begins}") as caught:
        resolve(parse(f"img@{begins}"), published(digests), digests)
    assert all(digest[:8] in str(caught.value) for digest in digests)


def test_ambiguous_digests_are_listed_with_as_many_digits_as_tell_them_apart() -> None:
    digests = ["abcd" * 3 + "0" * 52, "abcd" * 3 + "1" * 52, "f" * 64]
    with pytest.raises(NotFoundError) as caught:
        resolve(parse("img@abcd"), published(digests), digests)
    assert str(caught.value) == (
        "image img has 2 versions that begin with abcd\n  there are: abcdabcdabcd0, abcdabcdabcd1 (previous)"
    )


def test_pointers_and_days() -> None:
    a, b, c = (letter * 64 for letter in "abc")
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    history = (
        Move(a, noon - 86400, "me", "here", PUBLISH, pointers=BOTH),
        Move(b, noon, "me", "here", PUBLISH, pointers=BOTH),
        Move(a, noon + 3600, "me", "here", ROLLBACK, pointers=("current",)),
        Move(c, noon + 7200, "me", "here", PUBLISH, pointers=("candidate",)),
    )
    pointers = Pointers("img", history)
    for word, digest in (
        ("img", a), ("img@current", a), ("img@candidate", c), ("img@bbbb", b), ("img@2026-11-19", a),
        ("img@2026-11-20", a), ("img@9999-12-30", a),
    ):  # fmt: skip
        assert resolve(parse(word), pointers, [c, b, a]) == digest, word
    for word, said in (
        (
            "img@previous",
            "image img has no version before this one\n  there are: cccccccc (candidate), bbbbbbbb, aaaaa",
        ),
        (
            "img@2026-11-18",
            "image img was not published yet on 2026-11-18\n  there are: cccccccc (candidate), bbbbbbbb",
        ),
        ("img@2026-11-31", "2026-11-31 is no day\n  YYYY-MM-DD"),
        ("img@9999-12-31", "9999-12-31 is no day"),
        (
            "img@abc",
            r"image img has no version abc\n  a version is a digest \(4 hex digits or more\), previous, candida",
        ),
        ("img@Previous", "image img has no version Previous\n  a version is"),
        ("img@built", "img@built is the tree that genimage left, not a version\n  sb packimage img"),
    ):
        with pytest.raises(NotFoundError, match=said.replace("(candidate)", r"\(candidate\)")):
            resolve(parse(word), pointers, [c, b, a])


def test_a_version_that_was_collected_is_not_unknown_but_gone() -> None:
    a, b = "a" * 64, "b" * 64
    for word in ("img@aaaa", "img@previous"):
        with pytest.raises(NotFoundError, match=r"version aaaaaaaa of img is no longer there\n  there are: bbbbbbbb"):
            resolve(parse(word), published([a, b]), [b])
    with pytest.raises(NotFoundError, match=r"No packed image for img\n  sb packimage img"):
        resolve(parse("img@aaaa"), published([a]), [])


def test_nothing_was_promoted_yet() -> None:
    a = "a" * 64
    only = Pointers("img", (Move(a, 1.0, "me", "here", PUBLISH, pointers=("candidate",)),))
    with pytest.raises(
        NotFoundError, match=r"no version of img was promoted yet\n  sb promote img; there are: aaaaaaaa"
    ):
        resolve(parse("img"), only, [a])
    assert resolve(parse("img@candidate"), only, [a]) == a
