"""gc on small catalogs: what refers to a version keeps it; what nothing needs goes, whole."""

import json
import os
import time
from pathlib import Path
from typing import IO, Any

import pytest
from rolloutsite import IMAGE
from smallimage import age, leftovers, publish, versions

from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import DefinitionError, LockedError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import short
from sbkernel.jobs import job as jobs
from sbkernel.jobs.lock import lock
from sbkernel.netboot import bootlog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions.gc import gc
from sbkernel.rollout.versions.references import of_boot_files
from sbkernel.site import Site


def whys(site: Site, digests: list[str], image: str = IMAGE) -> list[str]:
    """Return why each version would stay if nothing but a reference kept it."""
    found = {item.name: "; ".join(item.why) for item in gc(site, keep=0, older_than="0d", dry_run=True).items}
    return [found[f"{image}@{short(digest)}"] for digest in digests]


def test_what_nothing_refers_to_goes_and_the_rest_says_why(site: Site) -> None:
    digests = versions(site, IMAGE, "abcdefg")
    nodeset(site, "n1,n2", f"osimage={IMAGE}@{digests[0]}")
    nodeset(site, "n3", f"osimage={IMAGE}@{digests[1]}")
    nodeset(site, "n3", "boot")
    bootlog.append(site, "n1", "mounted", image=digests[2])
    age(site, IMAGE, 1)
    before = {path.name for path in site.catalog.iterdir()}
    kept = [
        "boot file of n[1-2]; pinned by n[1-2]", "pinned by n3", "reported by n1", "", "",
        "previous", "current; candidate",
    ]  # fmt: skip
    assert whys(site, digests) == kept
    assert {path.name for path in site.catalog.iterdir()} == before, "a dry run removes nothing"
    done = gc(site, keep=0, older_than="0d")
    assert [item.name for item in done.gone] == [f"{IMAGE}@{short(digests[4])}", f"{IMAGE}@{short(digests[3])}"]
    assert str(done) == f"freed {done.freed_bytes} B: 2 versions" and done.freed_bytes > 0
    catalog = Catalog(site)
    assert {version.digest for version in catalog.versions()} == {*digests} - {digests[3], digests[4]}
    assert leftovers(site.catalog) == []
    assert str(gc(site, keep=0, older_than="0d")) == "nothing to remove"
    assert list(done.df.columns) == ["kind", "name", "bytes", "used", "goes", "why"] and len(done.df) == len(done.items)


def test_by_default_a_few_and_the_young_stay(site: Site) -> None:
    digests = versions(site, IMAGE, "abcdefgh")
    assert not gc(site).gone
    age(site, IMAGE, 31)
    assert [item.name for item in gc(site, dry_run=True).gone] == [f"{IMAGE}@{short(one)}" for one in digests[2::-1]]
    assert not gc(site, older_than="32d").gone and not gc(site, keep=8).gone
    assert len(gc(site).gone) == 3


def test_only_the_last_boot_of_a_node_counts(site: Site) -> None:
    a, b, *_ = digests = versions(site, IMAGE, "abcde")
    for stage, image in (("power-on", ""), ("mounted", a), ("power-on", ""), ("mounted", b)):
        bootlog.append(site, "n1", stage, **({"image": image} if image else {}))
    assert whys(site, digests)[:3] == ["", "reported by n1", ""]
    bootlog.append(site, "n2", "mounted", image=b)
    assert whys(site, digests)[1] == "reported by n[1-2]"


def test_any_file_and_link_below_boot_counts(site: Site) -> None:
    a, b, c, *_ = digests = versions(site, IMAGE, "abcde")
    (site.boot / "grub").mkdir()
    (site.boot / "grub/n9").write_text(f"linux /catalog/{a}/kernel\n")
    (site.boot / "image").symlink_to(site.catalog / b)
    (site.boot / "nodes").mkdir()
    (site.boot / "nodes/gone.ipxe").write_text(f"kernel http://10.0.0.1/catalog/{c}/kernel?node=gone\n")
    assert whys(site, digests)[:3] == ["boot/grub/n9", "boot/image", "boot file of gone"]


def test_a_script_that_many_nodes_have_is_read_once_and_counts_for_each(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another nodeset puts another file in the place of the first that is read; it is not that of the others."""
    a, b, *_ = digests = versions(site, IMAGE, "abcde")
    nodes, opened, open_ = ["n1", "n2", "n3"], list[str](), Path.open

    def late(path: Path, mode: str = "r", **more: str) -> IO[Any]:
        if path.stem in nodes and mode == "rb":
            opened.append(path.stem)
            if len(opened) == 1:
                nodeset(site, path.stem, f"osimage={IMAGE}@{b}")
        return open_(path, mode, **more)

    nodeset(site, "n1-n3", f"osimage={IMAGE}@{a}")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", late)
        named = of_boot_files(site)[0]
    first, *others = opened
    assert len(others) == 1, "that of two is read once"
    assert {name for name in nodes if b in named[name]} == {first}
    assert {name for name in nodes if a in named[name]} == {*nodes} - {first}
    assert [why.partition("; ")[0] for why in whys(site, digests)[:2]] == [
        f"boot file of {fold({*nodes} - {first})}", f"boot file of {first}",
    ]  # fmt: skip


def test_a_pin_of_a_group_counts(site: Site) -> None:
    digests = versions(site, IMAGE, "abcde")
    site.set("group", "test", provmethod=f"{IMAGE}@{digests[0][:6]}")
    assert whys(site, digests)[:2] == ["pinned by test", ""]


def test_a_version_that_a_boot_file_named_until_now_stays_for_the_boots_under_way(site: Site) -> None:
    digests = versions(site, IMAGE, "abcd")
    nodeset(site, "n1", f"osimage={IMAGE}@{digests[0]}")
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert whys(site, digests)[0].startswith("nodeset named it 0 s ago")
    two_hours_ago = time.time() - 7200
    os.utime(site.catalog / digests[0], (two_hours_ago, two_hours_ago))
    data = site.catalog / digests[0] / "image.json"
    os.utime(data, (two_hours_ago - 1, two_hours_ago - 1))
    assert whys(site, digests)[0] == ""
    assert not gc(site, keep=0, older_than="3h").gone
    assert f"{IMAGE}@{short(digests[0])}" in [item.name for item in gc(site, keep=0, older_than="0d").gone]


def test_a_running_job_keeps_what_it_was_given_and_what_its_events_name(site: Site, tmp_path: Path) -> None:
    digests = versions(site, IMAGE, "abcde")
    code = (
        "import time\ndef wait(site, report, **given):\n"
        f"    report.result(digest={digests[1]!r})\n    time.sleep(600)\n"
    )
    (tmp_path / "waiting.py").write_text(code)
    running = _start(site, tmp_path, version=f"{IMAGE}@{digests[0][:8]}")
    try:
        while not running.result:
            assert not running.done
            time.sleep(0.01)
        said = f"running job {running.id}"
        assert whys(site, digests)[:3] == [said, said, ""]
        assert not [item for item in gc(site, keep=0, older_than="0d").gone if item.kind == "job"]
    finally:
        running.kill()
    while not running.done:
        time.sleep(0.01)
    assert whys(site, digests[:2]) == ["", ""]


def _start(site: Site, where: Path, **given: str) -> jobs.Job:
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{where}:{before}"
    try:
        return jobs.start(site, "wait", "waiting:wait", **given)
    finally:
        os.environ["PYTHONPATH"] = before


def test_one_collection_at_a_time(site: Site) -> None:
    publish(site, b"a", IMAGE)
    with lock(site.catalog, "gc", what="catalog"), pytest.raises(LockedError, match="another gc process"):
        gc(site)
    assert gc(site, dry_run=True).dry_run


@pytest.mark.parametrize(("given", "said"), [({"older_than": "30"}, "'30' is no duration\n"), ({"keep": -1}, "-1 ver")])
def test_wrong_rules(site: Site, given: dict[str, object], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        gc(site, **given)  # type: ignore[arg-type]


def test_an_empty_site(site: Site) -> None:
    assert str(gc(site)) == "nothing to remove"
    assert not len(gc(site, dry_run=True).df)


def test_a_version_whose_move_was_never_noted_is_found_and_goes(site: Site) -> None:
    """A packimage that was killed between the last rename and the pointer has published nothing."""
    catalog = Catalog(site)
    digests = versions(site, IMAGE, "abc")
    data = json.loads((catalog.names / f"{IMAGE}.json").read_text())
    data["history"] = [move for move in data["history"] if move["digest"] != digests[1]]
    (catalog.names / f"{IMAGE}.json").write_text(json.dumps(data))
    assert catalog.find(f"{IMAGE}@{digests[1][:8]}").digest == digests[1]
    assert whys(site, digests) == ["previous", "", "current; candidate"]


def test_scripts_that_nodes_run_stay(site: Site) -> None:
    versions(site, IMAGE, "a")
    scripts = site.installdir / "postscripts"
    scripts.mkdir()
    site.set("node", "n1", postscripts="mine")
    for text in ("echo old\n", "echo new\n"):
        (scripts / "mine").write_text(text)
        nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    assert len(list((site.boot / "postscripts").iterdir())) == 2
    found = {item.name: item.why for item in gc(site, older_than="0d").items if item.kind == "scripts"}
    assert sorted(found.values()) == [(), ("nodes run it",)]
    (left,) = (site.boot / "postscripts").iterdir()
    assert left.name.encode() in (site.boot / "nodes/n1.overlay.tar").read_bytes()
