"""The text of a lock: what is written is read again, and what nobody can have written is an error with its line."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.errors import ListFileError
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.locking.answer import differences
from sbkernel.images.locking.lockfile import Lock, body, parse, render

WORDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+~^:-]{0,12}", fullmatch=True)
LINES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
# What a record holds is its family's own; only the ends of its lines are ours.
RECORDS = st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n")), max_size=4).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
PACKAGES = st.builds(
    Resolved,
    name=WORDS,
    version=WORDS,
    architecture=WORDS,
    size=st.integers(0, 2**40),
    sha256=st.sampled_from([64, 96, 128]).flatmap(lambda n: st.text("0123456789abcdef", min_size=n, max_size=n)),
    uri=LINES.map(lambda path: f"http://mirror/{path}"),
    repository=st.one_of(st.just(""), LINES),
    record=RECORDS,
)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    key = st.lists(PACKAGES, min_size=1, max_size=5, unique_by=lambda one: (one.name, one.version, one.architecture))
    packages = tuple(sorted(draw(key)))
    return Lock(
        draw(LINES),
        draw(WORDS),
        draw(WORDS),
        draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        tuple(draw(st.lists(LINES, max_size=4))),
        packages,
        tuple(one for one in packages if draw(st.booleans())),
        draw(st.one_of(st.just(""), LINES.map(lambda path: f"/{path}"))),
    )


@pytest.mark.parametrize("name", ["Packages", "Size"])
def test_a_number_longer_than_any_is_an_error_with_its_line(name: str) -> None:
    one = Resolved("a", "1", "all", 1, "0" * 64, "http://mirror/a.deb")
    text = render(Lock("i", "debian12", "x86_64", "0" * 64, ("a",), (one,)))
    with pytest.raises(ListFileError, match=f"{name} cannot be"):
        parse(text.replace(f"{name}: 1", f"{name}: {'1' * 5000}"), "x.lock")


@settings(max_examples=50)
@given(locks(), LINES)
def test_what_is_written_is_read_again(lock: Lock, note: str) -> None:
    read = parse(render(lock, note), "x.lock")
    assert read == lock
    assert [(one.uri, one.repository, one.record) for one in read.packages] == [
        (one.uri, one.repository, one.record) for one in lock.packages
    ]
    assert body(read) == body(lock)
    assert differences(lock, read) == []


@settings(max_examples=50)
@given(locks(), st.data())
def test_a_line_lost_or_doubled_is_an_error_with_a_line_or_a_difference_in_what_is_free(
    lock: Lock, data: st.DataObject
) -> None:
    """Only the family knows what a record means, and what is asked is covered by its digest."""
    lines = render(lock).split("\n")[:-1]
    number = data.draw(st.integers(1, len(lines) - 1))
    for changed in (lines[:number] + lines[number + 1 :], lines[:number] + lines[number : number + 1] + lines[number:]):
        try:
            read = parse("".join(f"{line}\n" for line in changed), "x.lock")
        except ListFileError as error:
            assert 1 <= error.line <= len(changed) + 1
            assert "sb lock --update" in str(error.hint)
        else:
            free = lines[number][:1] in ("", " ", "#") or lines[number].startswith(("Mirror", "Removed", "Repository"))
            assert free or lines[number] in ("Asked:", "Record:"), lines[number]
            assert read.lists == lock.lists


ONE = Resolved("a", "1", "all", 5, "0" * 64, "http://mirror/a.deb", "mirror main", "Package: a\n")
LOCK = Lock("mine", "debian12", "x86_64", "f" * 64, ("a",), (ONE,))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Size: 5", "Size: five", "x.lock:14: damaged lock: Size cannot be 'five'"),
        ("Size: 5\n", "", "x.lock:11: damaged lock: the field Size is missing"),
        ("Package: a", "Package: ../../a", "x.lock:11: damaged lock: Package cannot be '../../a'"),
        ("SHA256: 0", "SHA256: z", "x.lock:15: damaged lock: SHA256 cannot be 'z000"),
        ("Address: http", "Address: -o", "x.lock:16: damaged lock: Address cannot be '-o://mirror/a.deb'"),
        ("Osarch: x86_64", "Osarch: x86_64/..", "x.lock:5: damaged lock: Osarch cannot be 'x86_64/..'"),
        ("Format: 1", "Format: 2", "x.lock:2: damaged lock: Format cannot be '2'"),
        ("Osvers: ", "<<<<<<< HEAD\nOsvers: ", "x.lock:4: damaged lock: '<<<<<<< HEAD' is no field"),
        ("Size: 5", "Size: 5\n and more", "x.lock:15: damaged lock: Size has one line"),
        ("Size: 5", "Size: 5\nSize: 5", "x.lock:15: damaged lock: Size is there twice"),
        ("Size: 5", "Size: 5\nColour: red", "x.lock:15: damaged lock: unknown field Colour"),
        (" Package: a\n", " Package: a", "x.lock:19: damaged lock: its end is missing"),
    ],
)
def test_a_damaged_line_is_named(old: str, new: str, said: str) -> None:
    text = render(LOCK)
    assert old in text
    damaged = text[::-1].replace(old[::-1], new[::-1], 1)[::-1] if old.startswith(" ") else text.replace(old, new, 1)
    with pytest.raises(ListFileError) as caught:
        parse(damaged, "x.lock")
    assert caught.value.message.startswith(said)


def test_a_package_named_twice_and_a_lock_of_nothing() -> None:
    stanza = render(LOCK)[render(LOCK).index("Package: a") :]
    with pytest.raises(ListFileError, match=r"x.lock:21: damaged lock: a=1:all is there twice"):
        parse(f"{render(LOCK)}\n{stanza}", "x.lock")
    with pytest.raises(ListFileError, match=r"x.lock:7: damaged lock: there are 0 packages in it"):
        parse(render(LOCK).partition("\nPackage:")[0], "x.lock")
    with pytest.raises(ListFileError, match=r"x.lock:1: damaged lock: there is nothing in it"):
        parse("", "x.lock")


def test_differences_are_told_a_line_each() -> None:
    newer, other = dataclasses.replace(ONE, version="2"), dataclasses.replace(ONE, name="b")
    rebuilt = dataclasses.replace(ONE, sha256="1" * 64)
    assert differences(LOCK, dataclasses.replace(LOCK, packages=(newer, other))) == ["a:all 1 -> 2", "+ b:all 1"]
    assert differences(LOCK, dataclasses.replace(LOCK, packages=(rebuilt,))) == [
        "a:all 1: the same version with other content"
    ]
    asked = dataclasses.replace(LOCK, asked=("b",), lists="0" * 64)
    assert differences(LOCK, asked) == ["the lists also ask for b", "the lists no longer ask for a"]
    assert differences(LOCK, dataclasses.replace(LOCK, lists="0" * 64)) == [
        "the lists ask for the same names in another way"
    ]
