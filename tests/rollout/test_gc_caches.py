"""gc of what can be made again, and of what is over: layers, downloads, logs, finished jobs."""

import json
import os
import time
from pathlib import Path

import pytest

from sbkernel.files import in_turn
from sbkernel.images.cache import kinds
from sbkernel.images.catalog.collected import Collected
from sbkernel.images.catalog.collecting import Rule
from sbkernel.images.layers.layers import Layers
from sbkernel.jobs import directory
from sbkernel.jobs import job as jobs
from sbkernel.jobs.lock import lock
from sbkernel.netboot import bootlog
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

DAY = 86400.0


def old(path: Path, days: float) -> Path:
    when = time.time() - days * DAY
    os.utime(path, (when, when))
    return path


def gone(done: Collected, kind: str) -> list[str]:
    return sorted(item.name for item in done.gone if item.kind == kind)


def why(done: Collected, name: str) -> str:
    return next("; ".join(item.why) for item in done.items if item.name == name)


@pytest.fixture
def layers(site: Site) -> Layers:
    """Layers that were used 0, 10, 20 ... days ago."""
    layers = Layers(site.cache / "layers")
    for number in range(8):
        tree = layers.root / f"{number:04x}" / "tree"
        tree.mkdir(parents=True)
        (tree / "file").write_bytes(bytes(5000))
        (tree.parent / "layer.json").write_text("{}")
        old(tree.parent, 10 * number)
    return layers


def test_layers_go_that_are_neither_new_nor_used(site: Site, layers: Layers) -> None:
    planned = gc(site, dry_run=True)
    assert gone(planned, "layer") == ["0005", "0006", "0007"] and len(list(layers.root.glob("0*"))) == 8
    assert all(5000 <= item.size_bytes < 50_000 for item in planned.gone)
    assert why(planned, "0000") == "one of the 5 newest"
    assert why(gc(site, keep=0, dry_run=True), "0002") == "needed within the last 30 days"
    assert gone(gc(site), "layer") == ["0005", "0006", "0007"]
    assert sorted(path.name for path in layers.root.glob("[0-9]*")) == [f"{number:04x}" for number in range(5)]
    assert gone(gc(site, keep=1, older_than="25d"), "layer") == ["0003", "0004"]


def test_a_layer_in_use_stays_and_what_a_killed_build_left_goes(site: Site, layers: Layers) -> None:
    (layers.root / ".new-0abc" / "tree").mkdir(parents=True)
    with in_turn(layers.root / ".turn-0007"):
        done = gc(site)
    assert gone(done, "layer") == ["0005", "0006"] and why(done, "0007") == "in use now"
    assert "0007" in layers and not (layers.root / ".new-0abc").exists()


@pytest.fixture
def packages(site: Site) -> Path:
    directory = site.cache / "packages"
    directory.mkdir(parents=True)
    for name, days in (("a_1_amd64.deb", 40), ("b_1_all.deb", 3), ("c-1.x86_64.rpm", 90)):
        (directory / name).write_bytes(bytes(1000))
        old(directory / name, days)
    return directory


def test_downloads_go_that_were_not_used_for_long(site: Site, packages: Path) -> None:
    assert gone(gc(site, dry_run=True, keep=99), "package") == ["a_1_amd64.deb", "c-1.x86_64.rpm"]
    done = gc(site)
    assert str(done) == "freed 2.0 kB: 2 downloaded packages"
    assert [path.name for path in packages.glob("[!.]*")] == ["b_1_all.deb"]


def test_no_download_goes_while_an_image_is_built(site: Site, packages: Path, tmp_path: Path) -> None:
    image = "debian12-x86_64-netboot-compute"
    site.set("osimage", image, rootimgdir=str(tmp_path / "built"))
    with lock(tmp_path / "built", "genimage"):
        done = gc(site)
    assert not gone(done, "package") and why(done, "a_1_amd64.deb") == f"{image} is being built"
    assert len(gone(gc(site), "package")) == 2


def test_a_download_that_is_used_meanwhile_stays(site: Site, packages: Path) -> None:
    items = kinds.packages(site, _rule(), time.time())
    old(packages / "a_1_amd64.deb", 0)
    after = {item.name: item.why for item in kinds.remove_packages(site, items)}
    assert after["a_1_amd64.deb"] == ("in use now",) and after["c-1.x86_64.rpm"] == ()
    assert (packages / "a_1_amd64.deb").exists()


def _rule() -> Rule:
    return Rule(0, 30 * DAY)


def test_logs_go_that_were_rotated_or_whose_node_is_no_longer_defined(site: Site) -> None:
    for node in ("n1", "away"):
        bootlog.append(site, node, "power-on")
        for end in ("log", "index"):
            (site.consoles / f"{node}.{end}").write_text("x")
    for name in ("service.log", "messages", "messages.1", "messages.2.gz", "service.log-20260901", "young.log.1"):
        (site.log / name).write_text("x")
    for path in site.log.rglob("*.*"):
        old(path, 0 if path.name == "young.log.1" else 40)
    old(site.log / "messages", 40)
    done = gc(site)
    assert gone(done, "log") == [
        "boot/away.jsonl", "consoles/away.index", "consoles/away.log", "messages.1", "messages.2.gz",
        "service.log-20260901",
    ]  # fmt: skip
    assert why(done, "boot/n1.jsonl") == "the node is defined" and why(done, "messages") == "may be written to"
    assert sorted(path.name for path in site.log.iterdir() if path.is_file()) == [
        "messages", "service.log", "young.log.1",
    ]  # fmt: skip


def test_who_switched_which_power_is_kept_for_a_year(site: Site) -> None:
    (site.log / "power").mkdir()
    for name, days in (("2025-01.jsonl", 400), ("2025-12.jsonl", 200), ("2026-11.jsonl", 0)):
        (site.log / "power" / name).write_text("{}\n")
        old(site.log / "power" / name, days)
    assert gone(gc(site, older_than="0d"), "log") == ["power/2025-01.jsonl"]


def job(site: Site, days: float, number: int, state: str = "succeeded") -> Path:
    place = site.jobs / f"2026010{number}T000000000-wait"
    place.mkdir(parents=True)
    created = time.time() - days * DAY
    spec = {"id": place.name, "verb": "wait", "target": "x:y", "kwargs": {}, "created": created, "by": "me"}
    (place / "spec.json").write_text(json.dumps(spec))
    (place / "events.jsonl").write_text(json.dumps({"t": created, "kind": "state", "state": state}) + "\n")
    (place / "lock").touch()
    return place


def test_finished_jobs_go_that_are_old(site: Site) -> None:
    places = [job(site, 70 - 10 * number, number) for number in range(7)]
    with in_turn(places[1] / "lock"):
        (places[1] / "events.jsonl").write_text("")
        done = gc(site, keep=2)
    names = [place.name for place in places]
    assert gone(done, "job") == [names[0], names[2], names[3], names[4]]
    assert why(done, names[1]).startswith("is ") and why(done, names[6]) == "one of the 2 newest"
    assert [one.id for one in jobs.listing(site)] == [names[6], names[5], names[1]]
    assert gone(gc(site, keep=0, older_than="15d"), "job") == [names[1], names[5]]


def test_a_kill_in_the_midst_of_a_job_shows_no_half_job(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = job(site, 70, 1)

    def killed(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(directory.shutil, "rmtree", killed)
        gc(site, keep=0)
    assert jobs.listing(site) == [] and [path.name for path in site.jobs.iterdir()] == [f".{gone.name}.old"]
    gc(site)
    assert list(site.jobs.iterdir()) == []
