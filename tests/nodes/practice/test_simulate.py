"""sb simulate: definitions come and go, real nodes are never touched, and the process does as they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.errors import DefinitionError
from sbkernel.netboot import bootfiles
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.nodes.practice.traits import Traits
from sbkernel.nodes.simulate import simulate, simulated, stop
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        site.set("node", "n1", groups="all,simulated", mac="52:54:00:00:00:01", mgt="ipmi", bmc="10.0.0.1")
        yield site


def test_a_second_run_does_nothing_and_numbers_can_change(site: Site) -> None:
    first = simulate(site, 20, {"dead": 0.1}, Traits(seed=4))
    assert (len(first.made), first.changed, first.removed) == (20, [], [])
    revision = site.store.revision()
    again = simulate(site, 20, {"dead": 0.1}, Traits(seed=4))
    assert (again.made, again.changed, again.removed, len(again.kept)) == ([], [], [], 20)
    assert site.store.revision() == revision
    bmc = site.nodes["sim0007"].get("bmc")
    other = simulate(site, 10, {"dead": 0.1}, Traits(seed=4, loss=0.01))
    assert (len(other.made), len(other.changed), len(other.removed)) == (0, 10, 10)
    assert other.names == [f"sim{number:04d}" for number in range(1, 11)]
    assert site.nodes["sim0007"].get("bmc") == bmc
    assert sum("dead" in text for text in simulated(site).values()) == 1


def test_what_it_defines(site: Site) -> None:
    simulate(site, 300)
    nodes = site.nodes.many(simulated(site))
    assert len({node.get("bmc") for node in nodes.values()}) == 300
    assert len({node.get("mac") for node in nodes.values()}) == 300
    assert all(node.get("bmc").startswith("127.64.") for node in nodes.values())
    assert {node.get("groups") for node in nodes.values()} == {"simulated"}
    assert len({node.get("rack") for node in nodes.values()}) == 8
    assert len(site.noderange("simulated")) == 301
    assert site.nodes["sim0001"].get("cons") == "ipmi"
    stop(site)
    simulate(site, 1, consoles=False)
    assert not site.nodes["sim0001"].get("serialport")


def test_only_simulated_nodes_go(site: Site) -> None:
    site.set("group", "simulated", simulated="ok")  # lent by a group, this makes no machine a simulated one
    simulate(site, 3)
    for name in ("sim0001", "n1"):
        mac = site.nodes[name].get("mac").replace(":", "-")
        script = f"#!ipxe\n# netboot x\n# {mac} {name}: written\n".encode()
        plan = BootPlan(name, "netboot x", mac, {f"nodes/{name}.ipxe": script})
        with bootfiles.BootFiles(site.boot) as files:
            files.apply(plan, files.scripts(name))
    assert stop(site) == ["sim0001", "sim0002", "sim0003"]
    assert list(site.nodes) == ["n1"]
    assert [path.name for path in (site.boot / "nodes").iterdir()] == ["n1.ipxe"]
    assert stop(site) == []


def test_a_real_node_of_such_a_name_stops_it(site: Site) -> None:
    site.set("node", "sim0002", groups="all")
    with pytest.raises(DefinitionError, match="sim0002 is a node already, and not a simulated one"):
        simulate(site, 3)
    assert list(site.nodes) == ["n1", "sim0002"]
    assert len(simulate(site, 3, prefix="try").made) == 3


@pytest.mark.parametrize("count", [0, -1, 60001])
def test_odd_numbers(site: Site, count: int) -> None:
    with pytest.raises(DefinitionError, match="nodes cannot be simulated"):
        simulate(site, count)


def test_odd_prefixes_are_no_node_names(site: Site) -> None:
    for prefix in ("a b", "../x", "a,b"):
        with pytest.raises(DefinitionError):
            simulate(site, 1, prefix=prefix)
    assert list(site.nodes) == ["n1"]
