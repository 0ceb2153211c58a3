"""sb records: show, compare, run again, export and remove; as typed, and as typed wrong."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result
from keptrecords import record
from packedtwice import pack_twice

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import DefinitionError, LockedError, NotFoundError, RecordError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.jobs.lock import lock
from sbkernel.records import names, trust
from sbkernel.records.kept import comparison
from sbkernel.records.kept.listing import records
from sbkernel.records.kept.prune import prune, references
from sbkernel.records.kept.rerun import prepared
from sbkernel.records.kept.trend import trend
from sbkernel.records.run import run_notebook
from sbkernel.rollout.testboot.checks import Check, Measured
from sbkernel.rollout.testboot.verdicts import Verdict, keep
from sbkernel.site import Site

Write = Callable[..., Path]
A, B = "aa" * 16, "bb" * 16


def sb(site: Site, *words: str) -> Result:
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), "records", *words], standalone_mode=False)
    assert done.exception is None or not isinstance(done.exception, AssertionError)
    return done


def said(site: Site, *words: str) -> str:
    done = sb(site, *words)
    if done.exception:
        raise done.exception
    return done.output


def shown(digest: str, packed: int, seconds: float) -> list[dict[str, object]]:
    """Return what displays tell of an image that was built, and of a boot."""
    timing = {"verb": "genimage", "image": "img", "seconds": seconds, "phases": [["install packages", seconds - 1]]}
    return [
        {"job": f"j{packed}", "verb": "genimage", "state": "succeeded", "timing": timing},
        {"image": "img", "digest": digest, "sizes": {"packed": packed, "packages": 7, "kernel": "6.1"}},
        {"boots": {"vn1": seconds + 3}},
    ]


def two(site: Site, tmp_path: Path) -> None:
    """Write two records that show the two versions of an image."""
    pack_twice(site, tmp_path)
    old, new = (move.digest for move in Catalog(site).history("img"))
    record(site, run=A, given={"count": 1}, entries=shown(old, 111_000, 20))
    record(site, run=B, hours=24, status="failed", given={"count": 2}, entries=shown(new, 222_000, 40), who="bob")


def test_ls_and_show(site: Site) -> None:
    record(site, run=A, entries=shown("ab" * 32, 111_000_000, 20))
    lines = said(site, "ls").splitlines()
    assert lines[0].split() == ["RUN", "STARTED", "STATUS", "TOOK", "NOTEBOOK", "IMAGE", "WHO"]
    assert lines[1].split() == [
        "aaaaaaaa", "2026-11-02", "08:00:00", "ok", "12.5", "s", "build", "img", "ann@head",
    ]  # fmt: skip
    assert json.loads(said(site, "ls", "--json"))[0]["parameters"] == {"image": "img", "force": False}
    assert said(site, "ls", "--status", "failed") == "no records\n"
    text = said(site, "show", "aaa")
    packed, phase = "img@abababab  111.0 MB packed, 7 packages", "genimage img: install packages"
    for part in (packed, phase, "force = False  (default)", "boot of vn1", "not by you"):
        assert part in text
    assert json.loads(said(site, "show", "aaa", "--json"))["own"] is False


def test_diff_of_two_records(site: Site, tmp_path: Path) -> None:
    two(site, tmp_path)
    text = said(site, "diff", "aaa", "bbb")
    for part in ("status", "count", "genimage img: install packages", "+105 %", "libssl3", "ann@head"):
        assert part in text, text
    assert "force" not in text, "the same in both"
    data = json.loads(said(site, "diff", "aaa", "bbb", "--json"))
    assert data["parameters"] == {"count": {"a": "1", "b": "2"}}
    assert data["packages"]["counts"] and data["facts"]["status"] == {"a": "ok", "b": "failed"}
    assert data["timings"]["boot of vn1"] == {"a": 23, "b": 43}
    assert "slurmd" in said(site, "diff", "aaa", "bbb", "--packages")
    same = said(site, "diff", "aaa", "aaa")
    assert "the same parameters and result" in same and "packages: the same version" in same
    shutil.rmtree(Catalog(site).get(records(site).find("aaa").digest).dir)
    gone = said(site, "diff", "aaa", "bbb")
    assert "the catalog no longer has img@" in gone and "111.0 kB" in gone, "the record itself says what it weighed"


def test_records_without_an_image_are_compared_too(site: Site) -> None:
    for hours in (0, 1):
        record(site, image="", hours=hours, source=f"print({hours})")
    a, b = records(site)
    found = comparison.diff(site, b, a)
    assert ("its cells", "as then", "changed since") in found.facts and "shows no version" in str(found)


def test_the_trend_of_an_image(site: Site, tmp_path: Path) -> None:
    two(site, tmp_path)
    record(site, hours=2)
    found = trend(records(site), "img")
    assert [(p.packed_bytes, p.build_s, p.boot_s) for p in found.points] == [(111_000, 20, 23), (222_000, 40, 43)]
    assert list(found.df.packed) == [111_000, 222_000] and "222.0 kB" in str(found)
    assert said(site, "trend", "img") == f"{found}\n"
    head, first, last = said(site, "trend", "img").splitlines()
    assert head.split() == ["STARTED", "RUN", "PACKED", "BUILD", "BOOT"]
    assert first.split()[2] == "aaaaaaaa" and last.split()[2:] == ["bbbbbbbb", "222.0", "kB", "40.0", "s", "43.0", "s"]
    assert said(site, "trend", "img", "-n", "1").splitlines() == [head, last]
    data = json.loads(said(site, "trend", "img", "--json"))
    assert data["image"] == "img" and [one["packed_bytes"] for one in data["runs"]] == [111_000, 222_000]
    assert data["runs"][1] | {"when": 0, "record": ""} == {
        "run": B, "record": "", "when": 0, "status": "failed", "packed_bytes": 222_000, "build_s": 40, "boot_s": 43,
    }  # fmt: skip
    assert said(site, "trend", "none") == "no record says anything of none yet\n"
    assert json.loads(said(site, "trend", "none", "--json"))["runs"] == []
    assert trend(records(site), "none").df.empty and "no record says" in str(trend(records(site), "none"))


def test_rerun_runs_what_ran_and_says_what_changed(site: Site, notebook: Write) -> None:
    source = notebook("print('it is', image, count)")
    first = run_notebook(site, source, {"image": "a", "count": 5})
    found = records(site)
    with prepared(found, found.rows[0]) as again:
        assert not again.changed and again.values == {"image": "a", "count": 5}
        assert again.given({"count": 6}).command.endswith("-p count 6")
        with pytest.raises(RecordError, match="no parameter 'cuont'"):
            again.given({"cuont": 1})
    assert "it has not changed since" in said(site, "rerun", first.path_ipynb.stem, "--dry-run")
    source.write_text(source.read_text().replace("it is", "now it is").replace("count: int = 3", "count: int = 9"))
    assert "it has changed since (--same runs what ran then)" in said(site, "rerun", str(first.path_ipynb), "-n")
    assert len(records(site)) == 1
    done = sb(site, "rerun", found.rows[0].run[:6], "-p", "image", "b", "--same")
    assert done.return_value == 0, done.output
    assert "(was 'a')" in done.output and "as the record ran it" in done.output
    made = nbformat.read(next(site.records.rglob("*-b-ok.ipynb")), as_version=4)
    assert made.cells[-1].outputs[0].text == "it is b 5\n"
    assert trust.is_own(next(site.records.rglob("*-b-ok.ipynb")))
    assert records(site).rows[0].sources == found.rows[0].sources


def test_a_record_of_somebody_else_runs_nothing_of_its_own(
    site: Site, notebook: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the notebook lies: its name alone must not find it
    evil = notebook(f"open({str(tmp_path / 'pwned')!r}, 'w')", name="evil")
    path = record(site, "evil")
    path.write_text(path.read_text().replace("/gone/evil.ipynb", str(evil)))
    found = records(site)
    assert not trust.is_own(path)
    with pytest.raises(RecordError, match="not signed by you") as refused, prepared(found, found.rows[0], same=True):
        pass
    assert "jupyter trust" in str(refused.value)
    with pytest.raises(NotFoundError, match=r"no notebook 'evil\.ipynb'"), prepared(found, found.rows[0]):
        pass
    for verb in ("ls", "show", "export"):
        said(site, verb, *([] if verb == "ls" else ["2026"]), *(["-o", str(tmp_path)] if verb == "export" else []))
    assert not trust.is_own(path), "looking at a record signs nothing"


def test_a_value_that_the_record_hides_must_be_given(site: Site, notebook: Write) -> None:
    run_notebook(site, notebook("1"), {"image": "x"})
    site.set("passwd", "ipmi", username="root", password="hunter2&more")
    found = records(site)
    hidden = replace(found.rows[0], parameters={**found.rows[0].parameters, "image": "***"})
    with prepared(found, hidden) as again, pytest.raises(RecordError, match="hides the value of image"):
        again.run(site)


def test_prune_keeps_what_is_needed(site: Site, notebook: Write, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    pack = "from sbkernel.images.packimage import packimage\npackimage(Site.open(), 'img', compression='xz')"
    made = run_notebook(site, notebook(f"from sbkernel.site import Site\n{pack}"))
    assert made.ok, made.error
    (run,) = references(site)
    made.path_html.unlink()
    made.path_ipynb.unlink()
    old = record(site, run=run)
    for hours in range(1, 5):
        record(site, hours=hours)
    record(site, "boot", hours=5, status="interrupted")
    for words in ({}, {"keep_days": -1}, {"keep_last": -1}):
        with pytest.raises(DefinitionError):
            prune(site, **words)
    before = sorted(site.records.rglob("*.ipynb"))
    planned = said(site, "prune", "--keep-last", "2", "--dry-run")
    assert planned.count("would remove") == 2 and "made img@" in planned and "2 records" in planned
    assert sorted(site.records.rglob("*.ipynb")) == before
    with lock(site.records, "prune", what="records"), pytest.raises(LockedError):
        prune(site, keep_last=2)
    done = prune(site, keep_last=2)
    assert len(done.gone) == 2 and old.exists() and len(list(site.records.rglob("*.ipynb"))) == 4
    assert len(list(site.records.rglob("*.html"))) == 4
    assert prune(site, keep_last=2).gone == []
    assert len(records(site)) == 4


def test_prune_keeps_what_a_test_boot_was_recorded_in(site: Site, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    digest = Catalog(site).current("img").digest
    tested, other = record(site, "update", "img"), record(site, "update", hours=1)
    path = names.begun(tested.relative_to(site.records))
    checks, measured = (Check("login", True, ""),), Measured()
    keep(site, Verdict("img", digest, 1.0, "ann", "head", "", path, checks, measured))
    assert [item.name for item in prune(site, keep_days=1e-9).gone] == [str(other.relative_to(site.records))]


def test_prune_by_age_leaves_no_empty_month(site: Site) -> None:
    old = record(site, hours=-24 * 300)
    left = old.with_name(f".{old.name}.12-34.new")
    left.write_text("{")
    os.utime(left, (0, 0))
    record(site, page=False)
    young = run_days(site)
    assert len(prune(site, keep_days=young).gone) == 1
    assert not old.parent.exists() and not list((site.records / ".index").glob("2026-01*"))


def run_days(site: Site) -> float:
    """Return how many days ago the newest record was made, and one more."""
    return (time.time() - records(site).rows[0].when) / 86400 + 1


@pytest.mark.parametrize("words", [["export"], ["export", "x"], ["export", "x", "-o", "y", "--gallery", "z"]])
def test_export_says_what_it_needs(site: Site, words: list[str]) -> None:
    assert "RECORD and -o, or --gallery" in str(sb(site, *words).exception)


def test_typed_wrong(site: Site) -> None:
    record(site, "nightly", run=A)
    near = sb(site, "show", "20261102T080000Z-nigthly-img-ok").exception
    assert "did you mean" in str(near) and "nightly-img-ok" in str(near)
    assert "is no time" in str(sb(site, "ls", "--since", "tomorrow").exception)
    assert "--same runs what the record ran" in str(sb(site, "rerun", "aaa").exception)
