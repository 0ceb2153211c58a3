"""Nodes that are alike are planned once, and each gets what it would get if it were planned by itself."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netsite import publish, script_of

from sbkernel.definitions.definition import Definition
from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.alike import Alike, Pattern
from sbkernel.netboot.bootplan import Bootable, BootPlan, mac_of, plan_image
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.overlay import Own, overlay_tar
from sbkernel.netboot.scripts import boots_by_grub, grub_path, mac_path, script_path
from sbkernel.netboot.server import Server, SiteServer
from sbkernel.site import Site

SERVER = Server("10.0.0.1", 8080, 10514, others=("10.0.0.2:80",))
IMAGE = "debian12-x86_64-netboot-compute"


def plan(node: Definition, image: Bootable) -> BootPlan | str:
    """Plan a node by itself, as iPXE reads it: the variable stands where it asks whether there is one."""
    try:
        return expanded(plan_image(node, image, SERVER, {}))
    except SbkernelError as error:
        return str(error)


def by_likeness(node: Definition, image: Bootable, likeness: Alike[Pattern]) -> BootPlan | str:
    try:
        pattern = likeness(node)
        made = pattern and pattern.of(node.name, mac_of(node))
        assert not made or made.shared != boots_by_grub(node)
        return expanded(made) if made else plan(node, image)
    except SbkernelError as error:
        return str(error)


def expanded(made: BootPlan) -> BootPlan:
    """Return the plan with what iPXE makes of its script by the variables that the script of the address sets."""
    files = dict(made.files)
    name, mac, script = made.node.encode(), made.mac.encode(), files[script_path(made.node)]
    assert b"\nset node %s\nset card %s\n" % (name, mac) in files[mac_path(made.mac)]
    files[script_path(made.node)] = script.replace(b"${node}", name).replace(b"${card}", mac)
    if made.shared:
        assert grub_path(made.node) not in files
        assert b"\n# ${card} ${node}: " in script and mac not in script
    return made._replace(files=files, shared=False)


def some(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *values])


NODES = st.fixed_dictionaries({
    "mac": some("52:54:00:00:00:01", "52-54-00-00-00-02!eth0|52:54:00:00:00:03!eth1", "no address"),
    "ip": some("10.0.0.11"),
    "netboot": some("grub2", "xnba"),
    "arch": some("x86_64", "ppc64le"),
    "serialport": some("0", "1"),
    "serialspeed": some("115200"),
    "installnic": some("eth0", "52:54:00:00:00:09"),
    "vmhost": some("local"),
    "rootkind": some("ram", "lazy"),
    "addkcmdline": some(
        "quiet", "x='y'", "who=#NODEATTRIB:nodelist:node# mac=#NODEATTRIB:mac:mac#", "at=#TABLE:hosts:THISNODE:ip#",
        "a" * 1700, "b" * 1800, "to=!myipfn!",
    ),
})  # fmt: skip


@pytest.fixture
def image(site: Site, version: ImageVersion) -> Bootable:
    return Bootable(site.osimages[IMAGE], version, IMAGE)


def test_every_node_gets_what_it_would_get_by_itself(image: Bootable) -> None:
    likeness = Alike(lambda node: Pattern.made(plan_image(node, image, SERVER, {})))

    @given(st.lists(st.tuples(st.sampled_from(["n1", "n2", "x" * 60, "no/name"]), NODES), min_size=1, max_size=6))
    def check(nodes: list[tuple[str, Mapping[str, str]]]) -> None:
        for name, values in nodes:
            node = Definition.of("node", name, {key: value for key, value in values.items() if value})
            assert by_likeness(node, image, likeness) == plan(node, image)

    check()


def test_a_thousand_that_are_alike_are_planned_once(image: Bootable) -> None:
    calls = list[str]()

    def planned(node: Definition) -> Pattern | None:
        calls.append(node.name)
        return Pattern.made(plan_image(node, image, SERVER, {}))

    likeness = Alike(planned)
    for number in range(1000):
        values = {
            "mac": f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}",
            "ip": f"10.0.{number >> 8}.{number & 255}",
        }
        node = Definition.of("node", f"n{number}", values)
        assert by_likeness(node, image, likeness) == plan(node, image)
    assert len(calls) == 1


def test_servers_by_what_decides_them() -> None:
    """An attribute that is read only of some nodes parts those that were taken for alike before."""
    servers = SiteServer("10.0.0.1", 8080, 10514, takes_status=True, ip_of={"s1": "10.1.0.1"}.get)  # type: ignore[arg-type]
    likeness = Alike(servers.seen_by)
    for values in (
        {}, {"vmnics": "user"}, {"xcatmaster": "10.0.0.7"}, {"servicenode": "s1,10.2.0.1"},
        {"servicenode": "s1,10.2.0.1", "ip": "10.2.0.9"}, {"nfsserver": "10.0.0.8"}, {},
    ):  # fmt: skip
        node = Definition.of("node", "n1", values)
        assert (likeness(node) or servers.seen_by(node)) == servers.seen_by(node)


def test_who_reads_all_attributes_makes_no_likeness() -> None:
    likeness = Alike(lambda node: ",".join(node.attributes))
    assert likeness(Definition.of("node", "n1", {"mac": "52:54:00:00:00:01"})) is None


@given(some("10.0.0.11", "fd00::1"), some("lab", "a.b", "%s"), st.sampled_from(["n1", "n-2"]))
def test_an_overlay_holds_the_nodes_own_values(ip: str, domain: str, name: str) -> None:
    content = overlay_tar(Own(name, "0" * 32, ip, domain), b"")
    hosts = f"{ip or '127.0.1.1'}\t{f'{name}.{domain} ' if domain else ''}{name}\n".encode()
    assert hosts in content
    assert b"\n" + hosts in content
    assert len(content) % 512 == 0


def test_nodes_that_differ_differ_in_their_files(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n3", mac="52:54:00:00:00:03", xcatmaster="10.0.0.1", serialport="1", serialspeed="9600")
    site.set("node", "n4", groups="all", mac="52:54:00:00:00:04", xcatmaster="10.0.0.1", addkcmdline="quiet")
    assert len(nodeset(site, "n1,n2,n3,n4", f"osimage={IMAGE}")) == 4
    lines = {node: script_of(site.boot, node) for node in ("n1", "n3", "n4")}
    assert "ttyS0,115200" in lines["n1"] and "ttyS1,9600" in lines["n3"] and " quiet " in lines["n4"]
    assert all(f"NODE={node} " in text and f"{node}.overlay.tar" in text for node, text in lines.items())
    assert not any("stand-in" in path.read_text() for path in site.boot.rglob("*.ipxe"))


def test_time_servers_are_those_of_the_nodes_network(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    def times() -> list[str]:
        assert len(nodeset(site, "n1,n2", f"osimage={IMAGE}")) == 2
        found = [(site.boot / f"nodes/{node}.overlay.tar").read_bytes() for node in ("n1", "n2")]
        return [next((word for word in ("t.one", "t.two", "t.site") if word.encode() in one), "") for one in found]

    assert times() == ["", ""]
    site.change("site", {"clustersite": {"ntpservers": "t.site"}})
    assert times() == ["t.site", "t.site"]
    site.set("network", "one", net="10.0.0.0", mask="255.255.255.0", ntpservers="t.one")
    assert times() == ["t.one", "t.one"]  # the only network is also that of a node without an address
    site.set("network", "two", net="10.0.1.0", mask="255.255.255.0", ntpservers="t.two")
    assert times() == ["t.one", "t.site"]
    site.set("network", "one", ntpservers="")
    assert times() == ["t.site", "t.site"]


def test_all_versions_that_old_scripts_name_are_noted_as_used(
    site: Site, version: ImageVersion, nodes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts that differ only in what is a node's own are read once; a name may look like a part of a digest."""
    names, versions = ["n1", version.digest[:1], version.digest[1:3], "n2"], [version, publish(site, b"another root")]
    for number, name in enumerate(names):
        site.set("node", name, groups="all", mac=f"52:54:00:00:01:0{number}", xcatmaster="10.0.0.1")
        nodeset(site, name, f"osimage={IMAGE}@{versions[number % 2].digest}")
    publish(site, b"third root")
    noted = set[str]()
    monkeypatch.setattr(Catalog, "note_use", lambda _catalog, digests: noted.update(digests))
    assert not nodeset(site, ",".join(names), f"osimage={IMAGE}").errors
    assert noted >= {one.digest for one in versions}
