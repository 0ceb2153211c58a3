"""The tour, the practice and the benchmarks headless: each runs alone and twice, and leaves nothing behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from sbkernel import resources
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootlog
from sbkernel.nodes.practice.image import NAME, forget_practice_image, practice_image
from sbkernel.records.run import Record, run_notebook
from sbkernel.service.client import Service
from sbkernel.site import Site

pytestmark = pytest.mark.timeout(900)
Run = Callable[..., Record]


@pytest.fixture
def run(site: Site, layers: Path) -> Iterator[Run]:
    """Run a shipped notebook on the site; the service is stopped at the end."""
    (site.root / "cache").rmdir() if (site.root / "cache").is_dir() else None
    (site.root / "cache").symlink_to(layers)

    def ran(name: str, **values: object) -> Record:
        record = run_notebook(site, resources.notebooks() / f"{name}.ipynb", values)
        assert record.ok, record.error
        return record

    yield ran
    Service(site).stop()


def shown(record: Record) -> dict[str, str]:
    """Return what each cell shows, by its id."""
    cells = nbformat.read(record.path_ipynb, as_version=4).cells
    return {cell.id: str([out.get("data", out.get("text")) for out in cell.get("outputs", [])]) for cell in cells}


def test_the_tour_boots_simulated_nodes_twice_and_tidies_up(run: Run, site: Site) -> None:
    first = shown(run("start-here", count=2))
    assert "resolve" in first["plan"] or "packages" in first["plan"]
    assert "mycomputeimage" in first["words"] and "login" in first["boot"]
    assert "sim0001 login:" in first["console"] and "on" in first["console"]
    assert not list(site.nodes) and NAME not in site.osimages
    assert site.osimages["mycomputeimage"].get("parent") and not Catalog(site).pointers("mycomputeimage").current
    again = run("start-here", count=2, keep=True)
    assert sorted(site.nodes) == ["sim0001", "sim0002"]
    assert again.path_html.stat().st_size < 1_000_000
    shown(run("start-here", count=2))
    assert not list(site.nodes)


def test_practice_shows_what_is_wrong_and_tidies_up(run: Run, site: Site) -> None:
    troubles = {"dead": "5%", "slow": "5%", "halted": "5%", "panic": "10%"}
    record = run("practise", count=20, speed=1000.0, wait_s=20, canaries=2, keep=True, **troubles)
    seen = shown(record)
    ways = {name: site.nodes[name].get("simulated").split(",")[0] for name in site.nodes}
    assert sorted(ways.values()) == ["dead", *["ok"] * 15, "panic", "panic", "slow", "stuck=fetched"]
    by_way = {way: [name for name, its in ways.items() if its == way] for way in set(ways.values())}
    failed = seen["boot"] + seen["rest"]
    assert "no answer from BMC" in failed and by_way["dead"][0] in failed
    assert all(name in seen["stuck"] for name in by_way["panic"])
    assert bootlog.read(site, by_way["stuck=fetched"][0])[-1]["stage"] == "initrd"
    assert "waits for a new DIMM" in seen["hold"] and "canar" not in seen["watch"]
    assert any("login" in str(bootlog.read(site, name)) for name in by_way["ok"])
    none = dict.fromkeys(("dead", "slow", "halted", "panic"), "0%")
    run("practise", count=4, speed=1000.0, canaries=1, **none)
    assert not list(site.nodes) and NAME not in site.osimages


def test_benchmarks_show_ratios(run: Run) -> None:
    seen = shown(run("benchmarks", rows=["startup"], runs=2))
    assert "ratio" in seen["ratios"] and "startup" in seen["ratios"]
    assert "bench" in seen["measure"] and "succeeded" in seen["measure"]


def test_the_practice_image_is_made_once_and_made_again_after_it_was_forgotten(site: Site) -> None:
    assert practice_image(site) == practice_image(site) == NAME
    assert len(Catalog(site).versions(NAME)) == 1
    forget_practice_image(site)
    forget_practice_image(site)
    assert practice_image(site) == NAME and len(Catalog(site).versions(NAME)) == 1
