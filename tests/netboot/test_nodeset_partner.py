"""Two processes set thousands of nodes: the outcome is that of one, whatever becomes of the other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from netsite import IMAGE, publish
from waiting import until

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles, partner, unchanged
from sbkernel.netboot import nodeset as module
from sbkernel.netboot.nodeset import NodesetResult, nodeset
from sbkernel.netboot.partner import Order, Partner
from sbkernel.netboot.writing import Writer
from sbkernel.site import Site

NAMES = [f"n{number:02d}" for number in range(40)]
RANGE = "n[00-39]"
SLOWLY = """
import os, sys, time
from sbkernel.netboot import nodeset, partner, unchanged
from sbkernel.netboot.writing import Writer
from sbkernel.site import Site

unchanged.MANY, partner._PART, nodeset.has_use = 1, 1, lambda count: True
begun = partner.Partner.__enter__

def begin(self):
    begun(self)
    print(self._process.pid, flush=True)
    return self

def write(self, nodes):
    time.sleep(600)

partner.Partner.__enter__, Writer.write = begin, write
with Site.open(sys.argv[1]) as site:
    nodeset.nodeset(site, *sys.argv[2:])
"""


@pytest.fixture
def many(site: Site, version: ImageVersion, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site with forty nodes; two of them have one address, one has none, and one is held."""
    monkeypatch.setattr(unchanged, "MANY", 1)
    monkeypatch.setattr(partner, "_PART", 2)
    site.change("site", {"clustersite": {"master": "10.0.0.1"}})
    values = {name: {"groups": "all", "mac": f"52:54:00:00:01:{number:02x}"} for number, name in enumerate(NAMES)}
    values["n31"]["mac"] = values["n30"]["mac"]
    values["n12"]["mac"] = ""
    values["n05"]["netboot"] = "grub2"
    site.change("node", values)
    hold(site.store, ["n35"], "waits for a DIMM")
    return site


@pytest.fixture
def together(many: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[], NodesetResult]:
    """Return what sets all nodes with a partner, and waits until that has done something, unless it is dead."""
    write, process = Writer.write, list[Partner]()

    def later(self: Writer, nodes: Mapping[str, Definition]) -> None:
        (its,) = process
        until(lambda: (many.boot / "nodes" / f"{NAMES[-1]}.ipxe").exists() or its._process.poll() is not None)
        write(self, nodes)

    def run() -> NodesetResult:
        process[:] = [Partner()]
        with monkeypatch.context() as patch:
            patch.setattr(module, "has_use", lambda _count: True)
            patch.setattr(module, "Partner", lambda: process[0])
            patch.setattr(Writer, "write", later)
            return nodeset(many, RANGE, f"osimage={IMAGE}")

    return run


def contents(site: Site) -> dict[str, bytes]:
    files = (path for name in ("nodes", "by-mac", "grub2") for path in (site.boot / name).glob("*.[ict]*"))
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


def outcome(site: Site, result: NodesetResult) -> tuple[object, ...]:
    errors = {name: str(error) for name, error in result.errors.items()}
    return list(result.items()), list(errors.items()), contents(site), site.store.get_many("node", NAMES)


def alone(site: Site) -> tuple[object, ...]:
    """Return the outcome of one process, and make everything as if it had not been."""
    before = site.store.get_many("node", NAMES)
    found = outcome(site, nodeset(site, RANGE, f"osimage={IMAGE}"))
    for name in ("nodes", "by-mac", "grub2"):
        shutil.rmtree(site.boot / name)
    with site.store.write("as before") as transaction:
        transaction.put_many("node", before)
    return found


def who_wrote(site: Site) -> int:
    """Return how many have written scripts that are the same for all."""
    scripts = [site.boot / "nodes" / f"{name}.ipxe" for name in NAMES if name != "n05"]
    return len({path.stat().st_ino for path in scripts if path.exists()})


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """Fail when there are more descriptors or children after the test; those of earlier tests may go meanwhile."""

    def seen() -> tuple[int, set[str]]:
        children = " ".join((task / "children").read_text() for task in Path("/proc/self/task").iterdir())
        return len(list(Path("/proc/self/fd").iterdir())), {*children.split()}

    descriptors, children = seen()
    yield
    after, others = seen()
    assert after <= descriptors and others <= children


@pytest.mark.usefixtures("nothing_is_left")
def test_the_outcome_is_that_of_one_process(many: Site, together: Callable[[], NodesetResult]) -> None:
    expected = alone(many)
    result = together()
    assert outcome(many, result) == expected and who_wrote(many) == 2
    assert set(result.errors) == {"n12", "n31", "n35"} and len(result) == 37
    assert "n30 has the same MAC address" in str(result.errors["n31"]) and "a DIMM" in str(result.errors["n35"])


@pytest.mark.usefixtures("nothing_is_left")
def test_what_it_has_seen_is_remembered(
    many: Site, together: Callable[[], NodesetResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    many.change("node", {"n12": {"mac": "52:54:00:00:02:12"}, "n31": {"mac": "52:54:00:00:02:31"}, "n35": {"held": ""}})
    first = together()
    assert not first.errors and who_wrote(many) == 2
    monkeypatch.setattr(module, "planner", lambda *_: pytest.fail("it looks at nodes"))
    assert together() == first


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("when", ["at once", "ordered", "in between"])
def test_when_it_dies_the_rest_is_done_all_the_same(
    many: Site, together: Callable[[], NodesetResult], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    expected = alone(many)
    if when == "at once":
        monkeypatch.setattr(partner.sys, "executable", "/bin/false")
    parts = Partner.parts

    def dying(self: Partner, order: Order) -> Iterator[Sequence[str]]:
        for number, names in enumerate(parts(self, order)):
            if number == {"ordered": 0, "in between": 4}.get(when):
                self._process.kill()
            yield names

    monkeypatch.setattr(Partner, "parts", dying)
    assert outcome(many, together()) == expected


def test_it_sets_the_version_that_was_found_whatever_is_published_meanwhile(
    many: Site, version: ImageVersion, together: Callable[[], NodesetResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Partner.parts

    def late(self: Partner, order: Order) -> Iterator[Sequence[str]]:
        publish(many, b"newer")
        return parts(self, order)

    monkeypatch.setattr(Partner, "parts", late)
    result = together()
    assert {bootfiles.version(many.boot, name) for name in result} == {version.digest} and who_wrote(many) == 2
    assert {many.nodes[name].peek("provmethod") for name in result} == {IMAGE}


def test_it_ends_with_who_began_it(many: Site) -> None:
    argv = [sys.executable, "-c", SLOWLY, str(many.root), RANGE, f"osimage={IMAGE}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        until(lambda: any((many.boot / "nodes").glob("*.ipxe")))
        process.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{other}").exists(), 10)


def test_there_is_none_for_few_nodes_or_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    assert partner.has_use(partner.MANY) and not partner.has_use(partner.MANY - 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    assert not partner.has_use(partner.MANY)
