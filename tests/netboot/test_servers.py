"""The servers of a node: the nearest first, then those that stand in for it, and this host at last."""

import ipaddress
import re

import pytest
from netsite import IMAGE

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.server import SiteServer
from sbkernel.site import Site

NETWORKS = tuple(map(ipaddress.IPv4Network, ("10.1.0.0/16", "10.2.0.0/16")))
HERE = SiteServer("10.0.0.1", 8080, 10514, True, ip_of={"sn1": "10.1.0.1", "sn2": "10.2.0.1"}.get, networks=NETWORKS)


def servers(**attributes: str) -> tuple[str, ...]:
    return HERE.seen_by(Definition.of("node", "n1", attributes)).image_servers


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ["10.0.0.1:8080"]),
        ({"xcatmaster": "10.0.0.7"}, ["10.0.0.7:8080"]),
        ({"servicenode": "sn1"}, ["10.1.0.1:8080", "10.0.0.1:8080"]),
        ({"servicenode": "sn1,sn2", "ip": "10.2.0.9"}, ["10.2.0.1:8080", "10.1.0.1:8080", "10.0.0.1:8080"]),
        ({"servicenode": "sn1, sn2", "ip": "10.3.0.9"}, ["10.1.0.1:8080", "10.2.0.1:8080", "10.0.0.1:8080"]),
        ({"servicenode": "sn2,sn1", "xcatmaster": "10.1.0.1"}, ["10.1.0.1:8080", "10.2.0.1:8080", "10.0.0.1:8080"]),
        ({"servicenode": "cache.lab:81,10.0.0.1"}, ["cache.lab:81", "10.0.0.1:8080"]),
        ({"servicenode": "10.0.2.2:81", "vmnics": "user"}, ["10.0.2.2:81", "10.0.2.2:8080"]),
        ({"servicenode": "sn1", "nfsserver": "10.0.0.9"}, ["10.0.0.9:8080", "10.1.0.1:8080", "10.0.0.1:8080"]),
        ({"nfsserver": "10.0.0.9"}, ["10.0.0.9:8080"]),
    ],
)
def test_order(attributes: dict[str, str], expected: list[str]) -> None:
    assert list(servers(**attributes)) == expected


def test_log_lines_go_to_this_host_since_a_cache_takes_none() -> None:
    assert HERE.seen_by(Definition.of("node", "n1", {"servicenode": "sn1"})).log_host == "10.0.0.1"
    assert HERE.seen_by(Definition.of("node", "n1", {"xcatmaster": "10.0.0.7"})).log_host == ""


def test_a_node_without_any_address_is_refused() -> None:
    with pytest.raises(NodeError, match="it has no address of this host"):
        SiteServer("", 8080, 10514, True).seen_by(Definition.of("node", "n1", {}))


def test_a_boot_script_goes_from_server_to_server(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    before = (site.boot / "nodes/n1.ipxe").read_text()
    assert "sbkernel.servers" not in before and "--timeout" not in before
    site.set("node", "sn1", groups="all", ip="10.0.0.50")
    site.set("site", "clustersite", master="10.0.0.1")
    site.set("node", "n1", servicenode="sn1,10.0.0.60:81", xcatmaster=None)
    nodeset(site, "n1", f"osimage={IMAGE}")
    script = (site.boot / "nodes/n1.ipxe").read_text()
    assert re.findall(r"^(?:set|iseq .).server.*$", script, re.MULTILINE) == [
        "set server 10.0.0.50:8080",
        "iseq ${server} 10.0.0.50:8080 && set server 10.0.0.60:81 && goto load ||",
        "iseq ${server} 10.0.0.60:81 && set server 10.0.0.1:8080 && goto load ||",
        "set server 10.0.0.50:8080",
    ]
    assert " sbkernel.servers=10.0.0.50:8080,10.0.0.60:81,10.0.0.1:8080 " in script
    assert " XCAT=10.0.0.50:8080 " in script
    assert bootfiles.version(site.boot, "n1") == version.digest


@pytest.mark.parametrize("name", ["sn1 ;reboot", "${net0/mac}", "10.0.0.6,#x"])
def test_a_name_that_ipxe_would_interpret_is_refused(
    site: Site, version: ImageVersion, nodes: list[str], name: str
) -> None:
    with site.store.write("an import") as transaction:
        transaction.put("node", "n1", {**(transaction.get("node", "n1") or {}), "servicenode": name, "xcatmaster": ""})
    assert "is neither a name nor an address" in str(nodeset(site, "n1", f"osimage={IMAGE}").errors["n1"])
