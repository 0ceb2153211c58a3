"""The list of records: true, quick, found by abbreviations, and without what a record must not say."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keptrecords import FIRST, record

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.records import working
from sbkernel.records.kept import comparison, facts, index
from sbkernel.records.kept.listing import moment, records
from sbkernel.records.kept.told import told
from sbkernel.records.kept.trend import trend
from sbkernel.site import Site


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of records that were read, and not taken from the index."""
    names: list[str] = []
    real = facts.read

    def counted(place: Path, path: Path) -> facts.Kept | None:
        names.append(path.name)
        return real(place, path)

    monkeypatch.setattr(facts, "read", counted)
    return names


def test_only_what_has_changed_is_read_again(site: Site, read: list[str]) -> None:
    paths = [record(site, hours=hours) for hours in (0, 1, 800)]
    assert [one.path for one in records(site)] == [str(p.relative_to(site.records)) for p in reversed(paths)]
    assert len(read) == 3
    read.clear()
    assert len(records(site)) == 3 and read == []
    new = record(site, "boot", hours=2)
    assert len(records(site)) == 4 and read == [new.name]
    read.clear()
    paths[0].unlink()
    paths[1].write_text(paths[1].read_text().replace('"ok"', '"failed"', 1))
    assert sorted(one.status for one in records(site)) == ["failed", "ok", "ok"] and read == [paths[1].name]


@pytest.mark.parametrize("damage", ["", "{", "0123\n{}", "remove", "truncate", "bit"])
def test_an_index_that_is_wrong_is_made_again(site: Site, read: list[str], damage: str) -> None:
    record(site)
    before = records(site).rows
    (file,) = [file for file in (site.records / index.INDEX).iterdir() if file.name.startswith("2026")]
    data = file.read_bytes()
    if damage == "remove":
        file.unlink()
    else:
        wrong = {"truncate": data[:-9], "bit": data.replace(b'"ann"', b'"eve"')}.get(damage, damage.encode())
        file.write_bytes(wrong)
    read.clear()
    assert records(site).rows == before and len(read) == 1
    assert file.read_bytes() == data


def test_filters(site: Site) -> None:
    site.set("node", "n1", groups="rack1")
    site.set("node", "n2", groups="rack1")
    record(site, "build", "a", hours=0, who="ann")
    record(site, "build", "b", "failed", hours=24, who="bob")
    record(site, "boot", "a", hours=48, given={"noderange": "rack1"})
    record(site, "boot", "a", hours=72, given={"node": "gone7"})
    found = records(site)

    def names(**given: str) -> list[str]:
        return [f"{one.notebook} {one.when - FIRST.timestamp():.0f}" for one in found.select(**given)]

    assert names(notebook="build", status="failed") == ["build 86400"] == names(who="bob") == names(who="bob@head")
    assert names(notebook="boot.ipynb") == ["boot 259200", "boot 172800"]
    assert names(node="gone7") == ["boot 259200"], "a node that is gone has left its records"
    assert names(node="n2") == ["boot 172800"] and names(image="b") == ["build 86400"]
    assert names(since="2026-11-03", until="2026-11-04") == ["boot 172800", "build 86400"]
    assert names(until="2026-11-03T08:00") == ["build 0"]
    assert len(found.select(last=1)) == 1
    with pytest.raises(DefinitionError, match="no time"):
        found.select(since="yesterday")
    with pytest.raises(NotFoundError):
        found.select(node="nowhere")
    assert moment("2h") < time.time() - 7000


def test_a_record_is_found_by_the_beginning_of_its_name_or_run(site: Site) -> None:
    a = record(site, "build", run="ab" * 16)
    record(site, "build", hours=1, run="ac" * 16)
    found = records(site)
    for word in ("ab", "20261102T08", str(a), a.with_suffix(".html").name, a.stem, "AB" * 4):
        assert found.path(found.find(word)) == a
    with pytest.raises(NotFoundError, match="2 records begin with 'a'") as many:
        found.find("a")
    assert "acacacac  20261102T09" in str(many.value)
    with pytest.raises(NotFoundError, match="did you mean:") as near:
        found.find("20261102T080000Z-biuld-img-ok")
    assert "\n  abababab  20261102T08" in str(near.value)
    for word in ("", "zzz", "../../etc/passwd", "\x1b[2J"):
        with pytest.raises(NotFoundError, match="no record") as none:
            found.find(word)
        assert "\x1b" not in str(none.value)


def test_a_killed_run_is_interrupted_and_a_living_one_runs(site: Site) -> None:
    path = record(site, status="running", page=False)
    text = path.read_text()
    assert [one.status for one in records(site)] == ["interrupted"]
    file = working.WorkingFile(path)
    file.write(text)
    assert [one.status for one in records(site)] == ["running"]
    file.close()
    assert [one.status for one in records(site)] == ["interrupted"], "the file is the same, its process is gone"
    path.write_text(text[:200])
    os.utime(path, (time.time() + 3600,) * 2)
    assert [one.status for one in records(site)] == ["running"], "papermill may be writing it"
    os.utime(path, (0, 0))
    (half,) = records(site)
    assert (half.status, half.notebook, half.when) == ("interrupted", "build", FIRST.timestamp())


def test_what_is_no_record_is_not_listed_and_what_is_damaged_is(site: Site) -> None:
    path = record(site)
    (site.records / "notes.ipynb").write_text(json.dumps({"cells": [], "metadata": {}}))
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / path.name).write_text(path.read_text())
    assert len(records(site)) == 1
    path.write_text("{")
    assert [one.status for one in records(site)] == ["damaged"]
    path.write_text(json.dumps([1]))
    assert str(records(site)).splitlines()[1].split()[1:4] == ["2026-11-02", "08:00:00", "damaged"]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SAID = ("status", "run", "notebook", "user", "host", "version", "argv")
ENTRY = ("job", "image", "digest", "timing", "sizes", "boots")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    about=st.dictionaries(st.sampled_from(SAID), ODD),
    run=st.dictionaries(st.sampled_from(("duration", "start_time", "input_path", "parameters")), ODD),
    entry=st.dictionaries(st.sampled_from(ENTRY), ODD | st.dictionaries(st.sampled_from(("seconds", "phases")), ODD)),
)
def test_whatever_a_record_says_the_others_are_listed(
    site: Site, about: dict[str, object], run: dict[str, object], entry: dict[str, object]
) -> None:
    good, odd = record(site, "good"), record(site, "odd", hours=1, entries=[{"x": 1}])
    data = json.loads(odd.read_text())
    data["metadata"]["sbkernel"] |= about
    data["metadata"]["papermill"] |= run
    data["cells"][-1]["outputs"][0]["metadata"]["sbkernel"] = entry
    odd.write_text(json.dumps(data))
    found = records(site)
    assert "good" in [one.notebook for one in found] and str(found).count("\n") == len(found)
    assert len(found.df) == len(found) and json.dumps([one.as_dict() for one in found])
    for one in found:
        assert str(told(found, one)) and str(comparison.diff(site, one, found.find(good.stem)))
    assert len(trend(found, "img").df) <= len(found)
    for path in (good, odd):
        path.unlink()


def test_only_files_are_looked_at(site: Site) -> None:
    path = record(site)
    os.mkfifo(path.with_name("pipe.ipynb"))
    path.with_name("folder.ipynb").mkdir()
    path.with_name("dangling.ipynb").symlink_to("nowhere")
    assert len(records(site)) == 1


def test_the_frame_and_the_text(site: Site) -> None:
    entry = {"image": "img", "digest": "ab" * 32}
    record(site, given={"count": 3}, entries=[entry])
    frame = records(site).df
    assert list(frame.columns)[:10] == [
        "when", "notebook", "parameters", "status", "seconds", "who", "host", "image", "digest", "path",
    ]  # fmt: skip
    row = frame.iloc[0]
    assert row["parameters"] == {"image": "img", "force": False, "count": 3} and row["digest"] == "ab" * 32
    assert Path(row["path"]).exists() and row["when"].tz is not None
    assert records(site).select(image="no").df.empty and str(records(site).select(image="no")) == "no records"


def test_a_secret_of_the_site_is_in_no_index_and_in_no_comparison(site: Site) -> None:
    site.set("passwd", "ipmi", username="root", password="hunter2&more")
    record(site, given={"word": "hunter2&more"})
    record(site, hours=1, given={"word": "other"})
    found = records(site)
    assert [one.parameters["word"] for one in found] == ["other", "***"]
    compared = comparison.diff(site, found.rows[1], found.rows[0])
    for shown in (str(compared), json.dumps(compared.as_dict()), str(told(found, found.rows[1])), str(found.df)):
        assert "hunter2" not in shown
    assert not [file for file in (site.records / index.INDEX).iterdir() if b"hunter2" in file.read_bytes()]


def test_a_directory_that_cannot_be_written_is_listed_all_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    record(site)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "write_whole", full)
    assert len(records(site)) == 1
