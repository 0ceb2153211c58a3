"""gc beside other processes, stopped at the worst moments, and killed: no reference ever leads nowhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rolloutsite import IMAGE, collecting, finish
from smallimage import leftovers, publish, versions

from sbkernel.errors import NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import short
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def digests(site: Site) -> list[str]:
    """Versions of which the first may go."""
    return versions(site, IMAGE, "abcd")


def named(digest: str) -> str:
    return f"{IMAGE}@{short(digest)}"


def test_what_nodeset_names_after_everybody_was_asked_stays(site: Site, digests: list[str]) -> None:
    with collecting(site, "after", "references", "gather") as process:
        nodeset(site, "n1", f"osimage={IMAGE}@{digests[0]}")
        said = finish(process)
    assert said[named(digests[0])].startswith("nodeset named it") and said[named(digests[1])] == "gone"
    assert Catalog(site).get(digests[0]).damaged() == []


def test_what_nodeset_names_and_marks_again_stays_even_when_the_mark_is_old(site: Site, digests: list[str]) -> None:
    """The mark alone must tell: here nothing looks as if a node was fetching it."""
    with collecting(site, "after", "references", "gather") as process:
        nodeset(site, "n1", f"osimage={IMAGE}@{digests[0]}")
        (site.catalog / digests[0] / "image.json").touch()
        said = finish(process)
    assert said[named(digests[0])] == "in use now"
    assert Catalog(site).get(digests[0]).damaged() == []


@pytest.mark.parametrize("action", ["promote", "rollback", "publish_again"])
def test_what_a_pointer_moves_to_meanwhile_stays(site: Site, digests: list[str], action: str) -> None:
    catalog = Catalog(site)
    with collecting(site, "after", "references", "gather") as process:
        if action == "publish_again":
            catalog.publish_again(IMAGE, digests[0])
        else:
            getattr(catalog, action)(f"{IMAGE}@{digests[0]}")
        said = finish(process)
    assert said[named(digests[0])].startswith("current") and said[named(digests[1])] == "gone"
    assert catalog.current(IMAGE).digest == digests[0]


def test_what_is_gone_when_it_is_published_again_is_packed_again(site: Site, digests: list[str]) -> None:
    gc(site, keep=0, older_than="0d")
    catalog = Catalog(site)
    assert catalog.publish_again(IMAGE, digests[0]) is None
    assert catalog.current(IMAGE).digest == digests[3], "and no pointer has moved"
    assert publish(site, b"a", IMAGE).digest == digests[0] == catalog.current(IMAGE).digest


@contextmanager
def setting(site: Site, node: str, action: str) -> Iterator[subprocess.Popen[str]]:
    """Start nodeset in another process, and wait until it has found its versions and written no boot file."""
    code = (
        "import sys\nfrom sbkernel.netboot import nodeset\nfrom sbkernel.site import Site\n"
        "def stop(*arguments, write=nodeset.Writer.write):\n"
        "    print('found', flush=True)\n    sys.stdin.readline()\n    return write(*arguments)\n"
        "nodeset.Writer.write = stop\n"
        "with Site.open(sys.argv[1]) as site:\n    print(nodeset.nodeset(site, *sys.argv[2:]))"
    )
    argv = [sys.executable, "-c", code, str(site.root), node, action]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "found\n"
            yield process
        finally:
            process.kill()


def test_what_a_nodeset_under_way_has_found_stays(site: Site, digests: list[str]) -> None:
    catalog = Catalog(site)
    with setting(site, "n1", f"osimage={IMAGE}@{digests[0]}") as process:
        (catalog.path / digests[0] / "image.json").touch()  # not as if a node was fetching it
        found = {item.name: item.why for item in gc(site, keep=0, older_than="0d").items}
        assert found[named(digests[0])] == ("in use now",) and found[named(digests[1])] == ()
        process.communicate("\n", timeout=60)
    assert digests[0] in (site.boot / "nodes/n1.ipxe").read_text()
    assert catalog.get(digests[0]).damaged() == []


def test_a_nodeset_that_was_under_way_when_gc_looked_counts_when_it_has_ended(site: Site, digests: list[str]) -> None:
    """It wrote its boot file after boot files were read, and holds nothing any more when it is decided."""
    with setting(site, "n1", f"osimage={IMAGE}@{digests[0]}") as process:
        (site.catalog / digests[0] / "image.json").touch()
        with collecting(site, "after", "references", "gather") as collector:
            process.communicate("\n", timeout=60)
            said = finish(collector)
    assert said[named(digests[0])] == "in use now"
    assert Catalog(site).get(digests[0]).damaged() == []


def test_a_nodeset_that_was_killed_holds_nothing(site: Site, digests: list[str]) -> None:
    with setting(site, "n1", f"osimage={IMAGE}@{digests[0]}") as process:
        (site.catalog / digests[0] / "image.json").touch()
        process.kill()
        process.wait(30)
        assert named(digests[0]) in [item.name for item in gc(site, keep=0, older_than="0d").gone]


def test_a_kill_before_the_bytes_go_leaves_nothing_half_there(site: Site, digests: list[str]) -> None:
    catalog = Catalog(site)
    with collecting(site, "before", "shutil", "rmtree") as process:
        process.kill()
        process.wait(30)
    assert [version.digest for version in catalog.versions()] == digests[:1:-1], "out of sight, both of them"
    assert len(leftovers(catalog.path)) == 2
    with pytest.raises(NotFoundError, match=f"version {short(digests[0])} of {IMAGE} is no longer there"):
        catalog.find(f"{IMAGE}@{digests[0]}")
    done = gc(site)
    assert done.leftover_bytes > 0 and re.fullmatch(r"freed \d+(\.\d)? k?B: what killed runs had left", str(done))
    assert leftovers(catalog.path) == []


def test_a_kill_while_it_decides_removes_nothing_and_holds_up_nobody(site: Site, digests: list[str]) -> None:
    with collecting(site, "before", "removing", "plan") as process:
        process.kill()
        process.wait(30)
    assert len(Catalog(site).versions()) == 4 and leftovers(site.catalog) == []
    assert len(gc(site, keep=0, older_than="0d").gone) == 2


def test_a_version_that_is_packed_again_while_its_bytes_go_is_whole(site: Site, digests: list[str]) -> None:
    with collecting(site, "before", "shutil", "rmtree") as process:
        again = publish(site, b"a", IMAGE)
        finish(process)
    assert again.digest == digests[0] and again.damaged() == []
    assert leftovers(site.catalog) == []


WORK = """
import random, sys
from pathlib import Path
from smallimage import publish
from sbkernel.errors import LockedError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

IMAGE, TURNS, chance = sys.argv[3], 15, random.Random(7)

def publishing(site, catalog):
    for turn in range(2 * TURNS):
        publish(site, str(turn).encode(), IMAGE)
        assert catalog.find(IMAGE + "@candidate").damaged() == []
        assert catalog.current(IMAGE).damaged() == []
        if turn % 4 == 1:
            catalog.rollback(IMAGE)
        elif turn % 4 == 3:
            catalog.promote(IMAGE)
    return 2 * TURNS

def setting(site, catalog):
    done = 0
    while done < TURNS:
        try:
            chosen = chance.choice([one.digest for one in catalog.versions(IMAGE)])
            nodeset(site, "n1", f"osimage={IMAGE}@{chosen}")
        except NotFoundError:
            continue
        assert chosen in (site.boot / "nodes/n1.ipxe").read_text()
        assert catalog.get(chosen).damaged() == []
        done += 1
    return done

def collecting(site, catalog):
    done = 0
    while True:
        last = (site.root / "last").exists()
        try:
            done += len(gc(site, keep=0, older_than="0d").gone)
        except LockedError:
            continue
        if last:
            return done

with Site.open(sys.argv[1]) as site:
    print(globals()[sys.argv[2]](site, Catalog(site)))
"""


def test_many_processes_at_once(site: Site) -> None:
    """Two collect all they may while others publish, promote, roll back and set a node."""
    versions(site, IMAGE, ["first", "second"])
    catalog = Catalog(site)

    def start(what: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", WORK, str(site.root), what, IMAGE]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=TESTS)

    collectors = [start("collecting"), start("collecting")]
    workers = [start("publishing"), start("setting")]
    done = [process.communicate(timeout=300)[0] for process in workers]
    (site.root / "last").touch()
    gone = [process.communicate(timeout=300)[0] for process in collectors]
    assert [process.returncode for process in workers + collectors] == [0] * 4
    assert [int(number) for number in done] == [30, 15]
    kept = catalog.versions()
    assert sum(map(int, gone)) == 32 - len(kept) > 0
    assert all(version.damaged() == [] for version in kept)
    pointers = catalog.pointers(IMAGE)
    assert {pointers.current, pointers.candidate, pointers.previous} - {""} <= {version.digest for version in kept}
    assert leftovers(site.catalog) == []
