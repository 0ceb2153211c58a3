"""The cache of a site: listed with reasons, pruned by size and age, never what somebody holds, also when killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.cli.main import main
from sbkernel.errors import DefinitionError
from sbkernel.files import in_turn
from sbkernel.images.cache import prune as cache
from sbkernel.images.catalog.collected import Collected
from sbkernel.images.layers.layers import Layers
from sbkernel.jobs.blobs import inputs_of
from sbkernel.jobs.lock import lock
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

DAY = 86400.0
LAYER = 1_000_000


def old(path: Path, days: float) -> Path:
    when = time.time() - days * DAY
    for one in (*path.rglob("*"), path):
        os.utime(one, (when, when), follow_symlinks=False)
    return path


def names(done: Collected, *, gone: bool = True) -> list[str]:
    return sorted(item.name for item in (done.gone if gone else done.kept))


def why(done: Collected, name: str) -> str:
    return next("; ".join(item.why) for item in done.items if item.name == name)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def layers(site: Site) -> Layers:
    """Four layers of 1 MB, used 1, 11, 21 and 31 days ago."""
    layers = Layers(site.cache / "layers")
    for number in range(4):
        tree = layers.root / f"{number:04x}" / "tree"
        tree.mkdir(parents=True)
        (tree / "file").write_bytes(bytes(1000))
        (tree.parent / "layer.json").write_text(json.dumps({"bytes": LAYER}))
        old(tree.parent, 10 * number + 1)
    return layers


@pytest.fixture
def everything(site: Site, layers: Layers) -> Site:
    """One of each other kind, used 40 days ago."""
    files = {
        "packages/a_1_all.deb": 500_000, "plans/ab12.json": 100, "blobs/" + "c" * 64: 100,
        "apt/11/apt.conf": 100, "dnf/22/cache/primary": 100, "indexes/33/listing": 100,
    }  # fmt: skip
    for name, size in files.items():
        (site.cache / name).parent.mkdir(parents=True, exist_ok=True)
        (site.cache / name).write_bytes(bytes(size))
    for place in ("rocky9/.x86_64.copying/Packages", "rocky9/aarch64/.disc2.copying"):
        (site.installdir / place).mkdir(parents=True)
        (site.installdir / place / "a.rpm").write_bytes(bytes(100))
    old(site.installdir / "rocky9", 40)
    for kind in ("packages", "plans", "blobs", "apt", "dnf", "indexes"):
        old(site.cache / kind, 40)
    (site.cache / "kvm-probe.json").write_text("{}")
    return site


def test_the_one_used_longest_ago_goes_until_all_fits(site: Site, layers: Layers) -> None:
    planned = cache.prune(site, size="2.5M", dry_run=True)
    assert names(planned) == ["0002", "0003"] and len(layers.digests()) == 4
    assert why(planned, "0001") == "within 2.5 MB" and str(planned) == "would free 2.0 MB: 2 layers"
    assert names(cache.prune(site, size="2.5M")) == ["0002", "0003"]
    assert layers.digests() == ["0000", "0001"]
    assert str(cache.prune(site, size="2.5M")) == "nothing to remove"
    assert names(cache.prune(site, size="0")) == ["0000", "0001"] and layers.digests() == []


def test_what_was_not_used_for_long_goes_and_both_limits_hold(site: Site, layers: Layers) -> None:
    assert names(cache.prune(site, older_than="25d")) == ["0003"]
    assert why(cache.prune(site, older_than="25d", dry_run=True), "0000") == "needed within the last 25 days"
    assert names(cache.prune(site, older_than="15d", size="1M")) == ["0001", "0002"]


def test_the_budget_of_the_site(site: Site, layers: Layers) -> None:
    assert not cache.prune(site).gone
    site.set("site", "clustersite", cachesize="3MB")
    assert names(cache.prune(site)) == ["0003"]
    with pytest.raises(DefinitionError):
        site.set("site", "clustersite", cachesize="much")
    for wrong in ({"size": "-1"}, {"size": "lots"}, {"older_than": "20"}):
        with pytest.raises(DefinitionError, match="is no"):
            cache.prune(site, **wrong)


def test_every_kind_is_listed_and_goes(everything: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site = everything
    listed = {item.name: item for item in cache.ls(site).items}
    kinds = {"layer", "package", "plan", "input", "index", "copy", "other"}
    assert {item.kind for item in listed.values()} == kinds and len(listed) == 4 + 8 + 1
    assert not any(item.goes for item in listed.values()) and listed["apt/11"].why == ("may go",)
    assert listed["rocky9/aarch64/.disc2.copying"].kind == "copy"
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "cache", "ls"])
    out = capsys.readouterr().out
    assert "layer 0003" in out and "1 downloaded package" in out and " of 20.0 GB\n" in out
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "cache", "ls", "--json"])
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == set(listed)
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "cache", "prune", "--older-than", "35d"])
    out = capsys.readouterr().out
    assert "3 package indexes" in out and "2 unfinished copies of discs" in out and "removed  index apt/11" in out
    assert {item.kind for item in cache.ls(site).items} == {"layer", "other"}
    assert not list(site.installdir.rglob("*.copying"))


def test_gc_collects_the_same_by_its_own_rule(everything: Site) -> None:
    gone = {item.kind for item in gc(everything).gone}
    assert gone == {"package", "plan", "input", "index", "copy"}, "layers are among the newest"
    assert str(gc(everything)) == "nothing to remove"


def test_what_somebody_holds_stays_and_counts(everything: Site, layers: Layers, tmp_path: Path) -> None:
    site = everything
    held = layers.hold("0003")
    assert held is not None
    site.set("osimage", "debian12-x86_64-netboot-compute", rootimgdir=str(tmp_path / "built"))
    digest = inputs_of(site).put(b"a list")
    job = site.jobs / "20260101T000000000-wait"
    job.mkdir()
    spec = {"id": job.name, "verb": "wait", "target": "x:y", "kwargs": {}, "created": 0, "by": "me"}
    (job / "spec.json").write_text(json.dumps(spec))
    (job / "order.json").write_text(json.dumps({"inputs": {"x": digest, "y": "c" * 64}}))
    old(site.cache / "blobs", 40)
    with (
        lock(tmp_path / "built", "genimage"), in_turn(site.cache / "apt/11/.turn"), in_turn(job / "lock"),
        lock(site.installdir / "rocky9/x86_64", "copycds"), lock(site.installdir / "rocky9/aarch64", "copycds"),
    ):  # fmt: skip
        done = cache.prune(site, size="0")
    assert why(done, "0003") == "in use now" and why(done, "a_1_all.deb").endswith("is being built")
    assert why(done, "apt/11") == "in use now" and why(done, digest) == why(done, "c" * 64) == "a job needs it"
    assert why(done, "rocky9/.x86_64.copying") == why(done, "rocky9/aarch64/.disc2.copying") == "copycds is at work"
    assert names(done) == ["0000", "0001", "0002", "ab12", "dnf/22", "indexes/33"]
    os.close(held)
    assert "0003" in names(cache.prune(site, size="0"))


def test_what_has_no_lock_stays_for_an_hour(everything: Site) -> None:
    for name in ("apt/11/apt.conf", "plans/ab12.json"):
        (everything.cache / name).touch()
    done = cache.prune(everything, size="0")
    assert {"apt/11", "ab12"} <= set(names(done, gone=False)) and "dnf/22" in names(done)


def test_after_a_build_its_own_layers_stay(site: Site, layers: Layers) -> None:
    site.set("site", "clustersite", cachesize="1M")
    began = time.time() - 1
    for digest in ("0001", "0002"):
        os.utime(layers.root / digest)
    cache.after_build(site, began)
    assert layers.digests() == ["0001", "0002"]
    with cache.turn(site):
        cache.after_build(site, time.time() + 5)
        assert layers.digests() == ["0001", "0002"], "somebody else is at it"
    cache.after_build(site, time.time() + 5)
    assert len(layers.digests()) == 1


_PRUNER = """
import sys
from sbkernel.images.cache import prune
from sbkernel.site import Site
with Site.open(sys.argv[1]) as site:
    print(len(prune.prune(site, size="0").gone), flush=True)
"""
_STOPPED = """
import sys
from sbkernel.images.cache import kinds
from sbkernel.images.layers import layers
def stop(path):
    print("stopped", flush=True)
    sys.stdin.readline()
for module in (kinds, layers):
    module.remove_tree = stop
"""


def pruner(site: Site, before: str = "") -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", before + _PRUNER, str(site.root)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_at_once(everything: Site) -> None:
    several = [pruner(everything) for _ in range(3)]
    assert sum(int(one.communicate(timeout=120)[0]) for one in several) == 4 + 8
    assert [one.returncode for one in several] == [0] * 3
    assert {item.kind for item in cache.ls(everything).items} == {"other"}


def test_a_kill_leaves_nothing_that_counts_as_whole(everything: Site, layers: Layers) -> None:
    with pruner(everything, _STOPPED) as process:
        assert process.stdout is not None and process.stdout.readline() == "stopped\n"
        process.send_signal(signal.SIGKILL)
    assert cache.prune(everything, size="0").gone
    assert {item.kind for item in cache.ls(everything).items} == {"other"}
    assert not list(everything.cache.glob("*/.[ng]*"))


@pytest.mark.parametrize("record", ["[5]", '{"steps": [1]}', "7", "{}"])
def test_odd_things_stop_no_listing(site: Site, record: str) -> None:
    place = site.installdir / "netboot/debian12/x86_64/odd"
    (place / "rootimg").mkdir(parents=True)
    for name, text in (("kernel", ""), ("initrd-stateless.gz", ""), ("plan.json", record)):
        (place / name).write_text(text)
    site.set(
        "osimage", "odd", imagetype="linux", osvers="debian12", osarch="x86_64", profile="odd", provmethod="netboot"
    )
    site.cache.mkdir(exist_ok=True)
    (site.cache / "dangling").symlink_to("nowhere")
    assert [item.name for item in cache.ls(site).items] == ["dangling"]
