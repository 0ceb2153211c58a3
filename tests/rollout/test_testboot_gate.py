"""gate=testboot: what is packed is the candidate alone, and only a good test boot makes it current."""

import json
from pathlib import Path

import pytest
from fleet import sb
from rolloutsite import IMAGE
from smallimage import publish
from testbootverdicts import judge

from sbkernel.errors import DefinitionError, PolicyError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.records.why import why
from sbkernel.rollout.testboot import verdicts
from sbkernel.rollout.versions.gc import gc
from sbkernel.rollout.versions.images import versions as listed
from sbkernel.rollout.versions.promote import promote, rollback
from sbkernel.rollout.waves.plan import Options
from sbkernel.rollout.waves.planning import plan_rollout
from sbkernel.site import Site


@pytest.fixture
def gated(site: Site) -> tuple[str, str]:
    """An image with a version that nodes boot, and a candidate behind the gate; their digests."""
    current = publish(site, b"old", IMAGE).digest
    site.set("osimage", IMAGE, gate="testboot")
    candidate = publish(site, b"new", IMAGE).digest
    pointers = Catalog(site).pointers(IMAGE)
    assert (pointers.current, pointers.candidate) == (current, candidate)
    return current, candidate


def test_without_a_gate_a_pack_moves_both_and_no_test_is_asked_for(site: Site) -> None:
    digest = publish(site, b"old", IMAGE).digest
    assert Catalog(site).pointers(IMAGE).current == digest
    assert promote(site, IMAGE).before == digest


def test_a_version_that_was_published_again_stays_behind_the_gate(site: Site, gated: tuple[str, str]) -> None:
    Catalog(site).publish_again(IMAGE, gated[1])
    assert Catalog(site).pointers(IMAGE).current == gated[0]
    again = Catalog(site).publish_again(IMAGE, gated[0])
    assert again and Catalog(site).pointers(IMAGE).candidate == gated[0]


def test_an_untested_or_failed_version_is_refused_with_what_to_do(site: Site, gated: tuple[str, str]) -> None:
    with pytest.raises(PolicyError, match="may not become current: it was not test booted yet") as caught:
        promote(site, IMAGE)
    assert caught.value.hint and f"sb testboot {IMAGE}@{gated[1][:8]} --promote" in caught.value.hint
    judge(site, IMAGE, gated[1], ok=False)
    with pytest.raises(PolicyError, match=r"its test boot: failed 2.* units"):
        promote(site, IMAGE)
    with pytest.raises(PolicyError, match="its test boot: failed"):
        rollback(site, f"{IMAGE}@{gated[1]}")
    assert Catalog(site).pointers(IMAGE).current == gated[0]


def test_a_good_test_boot_opens_the_gate_and_the_last_one_counts(site: Site, gated: tuple[str, str]) -> None:
    judge(site, IMAGE, gated[1], ok=False)
    judge(site, IMAGE, gated[1], ok=True)
    assert promote(site, IMAGE).version.digest == gated[1]
    assert rollback(site, IMAGE).version.digest == gated[0], "nodes have booted it: nobody is kept from going back"


def test_an_untested_version_needs_a_reason_which_is_kept(site: Site, gated: tuple[str, str]) -> None:
    for reason in ("  ", "two\nlines"):
        with pytest.raises(DefinitionError, match="one line of text"):
            promote(site, IMAGE, untested=reason)
    status, out, _ = sb(site, "promote", IMAGE, "--untested", "the hypervisor is down")
    assert status == 0 and f"current is {gated[1][:8]}" in out
    assert Catalog(site).history(IMAGE)[0].reason == "the hypervisor is down"
    assert "untested: the hypervisor is down" in str(why(site, IMAGE))
    stored = json.loads((Catalog(site).names / f"{IMAGE}.json").read_text())
    assert [move.get("reason") for move in stored["history"]] == [None, None, "the hypervisor is down"]


def test_a_roll_out_asks_for_it_too(site: Site, gated: tuple[str, str]) -> None:
    with pytest.raises(PolicyError, match="it was not test booted yet"):
        plan_rollout(site, f"{IMAGE}@candidate", "n1")
    assert plan_rollout(site, f"{IMAGE}@candidate", "n1", options=Options(untested="no time")).digest == gated[1]
    judge(site, IMAGE, gated[1], ok=True)
    assert plan_rollout(site, f"{IMAGE}@candidate", "n1").digest == gated[1]


def test_the_verdict_is_listed(site: Site, gated: tuple[str, str]) -> None:
    judge(site, IMAGE, gated[0], ok=True)
    judge(site, IMAGE, gated[1], ok=False)
    frame = listed(site, IMAGE).df
    assert [one["passed"] for one in frame["tested"]] == [False, True]
    _, out, _ = sb(site, "images", IMAGE)
    new, old = out.splitlines()[1:3]
    assert ": units  publish" in new and "  good 2" in old


def test_a_line_that_is_not_whole_spoils_no_other(site: Site, gated: tuple[str, str]) -> None:
    judge(site, IMAGE, gated[1], ok=True)
    file = verdicts.directory(site) / f"{gated[1]}.jsonl"
    file.write_bytes(file.read_bytes() + b'{"image":"cut sho')
    found = verdicts.verdict_of(site, gated[1])
    assert found and found.passed
    judge(site, IMAGE, gated[1], ok=False)
    assert [one.passed for one in verdicts.verdicts_of(site, gated[1])] == [True, False]
    file.write_text("[]\n3\n{}\n\x00\n")
    assert verdicts.verdict_of(site, gated[1]) is None


def test_the_history_is_of_good_versions_of_this_image_alone(site: Site, gated: tuple[str, str]) -> None:
    other = publish(site, b"other", "another").digest
    third = publish(site, b"third", IMAGE).digest
    judge(site, IMAGE, gated[0], ok=True, time=1)
    judge(site, IMAGE, gated[1], ok=False, time=2)
    judge(site, "another", other, ok=True, time=3)
    judge(site, IMAGE, third, ok=True, time=4)
    assert [one.time for one in verdicts.good_before(site, IMAGE, third)] == [1]
    assert [one.time for one in verdicts.good_before(site, IMAGE, gated[1])] == [4, 1]


def test_verdicts_go_some_time_after_their_version(site: Site, gated: tuple[str, str]) -> None:
    judge(site, IMAGE, gated[0], ok=True)
    judge(site, IMAGE, "f" * 64, ok=True)
    logs = {item.name: item for item in gc(site, older_than="0d", dry_run=True).items if item.kind == "log"}
    there, gone = (logs[f"testboots/{digest}.jsonl"] for digest in (gated[0], "f" * 64))
    assert there.why == ("its version is there",) and gone.goes
    gc(site, older_than="0d")
    assert verdicts.verdict_of(site, gated[0]) and verdicts.verdict_of(site, "f" * 64) is None


def test_a_gate_of_an_unknown_kind_is_refused(site: Site) -> None:
    with pytest.raises(DefinitionError):
        site.set("osimage", IMAGE, gate="hope")


def test_no_word_is_a_path(site: Site, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("")
    for word in ("../../../x", "", "a" * 63, "A" * 64):
        with pytest.raises(LookupError):
            verdicts.verdict_of(site, word)
