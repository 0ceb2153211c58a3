"""Which versions may go: never one that anybody refers to, whatever the rule says."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.catalog.collecting import BOOTING_S, Item, Needs, Rule, decide, within
from sbkernel.images.catalog.pointers import PROMOTE, PUBLISH, ROLLBACK, Move, Pointers
from sbkernel.images.catalog.version import BESIDE, ImageVersion

DAY = 86400.0
NOW = 1000 * DAY
DIGESTS = [letter * 64 for letter in "abcdef"]


def version(digest: str, created: float = 0.0, image: str = "img") -> ImageVersion:
    files = {name: {"size": 10, "sha256": ""} for name in ("root.squashfs", *BESIDE)}
    return ImageVersion(Path(digest), {"digest": digest, "image": image, "created": created, "files": files})


def move(digest: str, t: float, action: str = PUBLISH) -> Move:
    return Move(digest, t, "me", "here", action)


@st.composite
def histories(draw: st.DrawFn) -> Pointers:
    pointers = Pointers("img")
    for t in sorted(draw(st.lists(st.floats(0, NOW), min_size=1, max_size=12))):
        digest = draw(st.sampled_from(DIGESTS))
        action = draw(st.sampled_from([PUBLISH, PUBLISH, PROMOTE, ROLLBACK]))
        if action == PUBLISH or not any(one.digest == digest for one in pointers.history):
            pointers = pointers.published(move(digest, t), gated=draw(st.booleans()))
        else:
            change = Pointers.promoted if action == PROMOTE else Pointers.rolled_back
            pointers = change(pointers, move(digest, t, action))
    return pointers


@given(
    histories(),
    st.dictionaries(st.sampled_from(DIGESTS), st.just(["boot file of n1"]), max_size=3),
    st.dictionaries(st.sampled_from(DIGESTS), st.floats(0, NOW), max_size=3),
    st.integers(0, 4),
    st.floats(0, 60 * DAY),
)
def test_what_anybody_refers_to_stays(
    pointers: Pointers, referred: dict[str, list[str]], handed_out: dict[str, float], keep: int, older_than_s: float
) -> None:
    there = {one.digest: one.t for one in reversed(pointers.history) if one.action == PUBLISH}
    found = decide([version(one, t) for one, t in there.items()], Needs({"img": pointers}, referred, handed_out),
                   Rule(keep, older_than_s), NOW)  # fmt: skip
    assert found.keys() == there.keys()
    going = {digest for digest, item in found.items() if item.goes}
    assert going.isdisjoint({pointers.current, pointers.candidate, pointers.previous, *referred})
    assert len(there) - len(going) >= min(keep, len(there))
    for digest in going:
        assert NOW - pointers.until(digest) >= older_than_s
        assert NOW - handed_out.get(digest, 0.0) >= max(older_than_s, BOOTING_S)
        assert digest not in list(there)[:keep]


def whys(rule: Rule, **handed_out: float) -> dict[str, tuple[str, ...]]:
    """Decide about a, b, c, d, e, published ten days one after the other, e the newest, 60 days ago."""
    pointers = Pointers("img")
    for number, digest in enumerate(DIGESTS[:5]):
        pointers = pointers.published(move(digest, NOW - (100 - 10 * number) * DAY), gated=False)
    versions = [version(one.digest, one.t) for one in reversed(pointers.history)]
    used = {letter * 64: when for letter, when in handed_out.items()}
    referred = {"b" * 64: ["boot file of n1", "reported by n1"]}
    found = decide(versions, Needs({"img": pointers}, referred, used), rule, NOW)
    return {digest[0]: item.why for digest, item in found.items()}


def test_the_reasons() -> None:
    assert whys(Rule(0, 0.0)) == {
        "e": ("current", "candidate"), "d": ("previous",), "c": (), "b": ("boot file of n1", "reported by n1"), "a": (),
    }  # fmt: skip
    assert whys(Rule(3, 0.0))["c"] == ("one of the 3 newest",)
    assert whys(Rule(0, 71 * DAY))["c"] == ("needed within the last 71 days",), "until d came, 70 days ago"
    assert whys(Rule(0, 70 * DAY))["c"] == ()
    assert whys(Rule(0, 0.0), a=NOW - 120)["a"] == ("nodeset named it 2 min ago: a node may be fetching it",)
    assert whys(Rule(0, 0.0), a=NOW - BOOTING_S)["a"] == ()
    assert whys(Rule(0, 2 * DAY), a=NOW - DAY)["a"] == ("needed within the last 2 days",)


def test_each_image_keeps_its_newest() -> None:
    names = {name: Pointers(name) for name in ("one", "two")}
    versions = [version(digest, 0.0, "one" if number % 2 else "two") for number, digest in enumerate(DIGESTS)]
    found = decide(versions, Needs(names, {}, {}), Rule(2, 0.0), NOW)
    assert [digest[0] for digest, item in found.items() if item.goes] == ["e", "f"]
    assert found["a" * 64] == Item("version", "two@aaaaaaaa", 40, 0.0, ("one of the 2 newest",))


things = st.builds(
    Item, st.just("layer"), st.text("abc"), st.integers(0, 100), st.floats(0, NOW), st.sampled_from([(), ("held",)])
)
limits = st.none() | st.integers(0, 500)
ages = st.none() | st.floats(0, NOW)


@given(st.lists(things, max_size=12), limits, ages)
def test_what_a_budget_and_an_age_leave(items: list[Item], limit: int | None, age_s: float | None) -> None:
    left = within(items, limit, age_s, NOW)
    assert [(one.name, one.size_bytes) for one in left] == [(one.name, one.size_bytes) for one in items]
    assert all(now.why == before.why for now, before in zip(left, items, strict=True) if not before.goes)
    chosen = [one for one, before in zip(left, items, strict=True) if before.goes]
    stays, goes = ([one for one in chosen if one.goes is gone] for gone in (False, True))
    assert all(age_s is None or NOW - one.last_used < age_s for one in stays), "what is too old goes"
    held = sum(one.size_bytes for one in items if not one.goes)
    assert limit is None or not stays or held + sum(one.size_bytes for one in stays) <= limit
    young = [one for one in goes if age_s is None or NOW - one.last_used < age_s]
    assert not young or limit is not None, "without a limit nothing but age counts"
    assert all(one.last_used >= other.last_used for one in stays for other in young), "used longest ago goes first"
    again = within([one for one in left if not one.goes], limit, age_s, NOW)
    assert not [one for one in again if one.goes], "a second run does nothing"
