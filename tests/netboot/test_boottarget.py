"""nodeset boottarget=NAME: a kernel and an initrd that are no image."""

from __future__ import annotations

import pytest
from netsite import IMAGE

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

STATE = "boottarget rescue"


@pytest.fixture
def rescue(site: Site, nodes: list[str]) -> str:
    (site.boot / "tools").mkdir()
    for name in ("vmlinuz", "initrd"):
        (site.boot / "tools" / name).write_bytes(b"x")
    site.set("boottarget", "rescue", kernel="tools/vmlinuz", initrd="tools/initrd", kcmdline="rescue x=!myipfn!")
    return "rescue"


def script(site: Site, name: str = "n1.ipxe") -> str:
    return (site.boot / "nodes" / name).read_text()


def test_it_boots_the_files_below_boot(site: Site, rescue: str) -> None:
    site.set("node", "n1", addkcmdline="mine")
    assert nodeset(site, "n1", f"boottarget={rescue}") == {"n1": STATE}
    assert nodeset(site, "n1", "stat") == {"n1": STATE}
    url = "http://10.0.0.1:8080/boot/tools"
    assert f"\nkernel {url}/vmlinuz initrd=initrd rescue x=10.0.0.1 mine || goto again\n" in script(site)
    assert f"\ninitrd --name initrd {url}/initrd || goto again\n" in script(site)
    node = site.nodes["n1"]
    assert [node.get(key) for key in ("kernel", "kcmdline", "currstate")] == [
        f"{url}/vmlinuz", "rescue x=10.0.0.1 mine", STATE,
    ]  # fmt: skip
    before = script(site)
    nodeset(site, "n1", f"boottarget={rescue}")
    assert script(site) == before


def test_a_node_goes_back_to_its_image(site: Site, version: ImageVersion, rescue: str) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    nodeset(site, "n1", f"boottarget={rescue}")
    assert (bootfiles.version(site.boot, "n1"), site.nodes["n1"].get("provmethod")) == ("", IMAGE)
    nodeset(site, "n1", "osimage")
    assert bootfiles.version(site.boot, "n1") == version.digest


def test_a_url_is_taken_as_it_is_and_an_initrd_is_not_needed(site: Site, nodes: list[str]) -> None:
    site.set("boottarget", "memtest", kernel="http://10.9.9.9/memtest?a=b")
    nodeset(site, "n1", "boottarget=memtest")
    assert "\nkernel http://10.9.9.9/memtest?a=b  || goto again\nboot || goto again\n" in script(site)
    site.set("node", "n1", netboot="grub2")
    nodeset(site, "n1", "boottarget=memtest")
    assert "    if linux '(http,10.9.9.9)/memtest?a=b' ; then\n      boot\n" in script(site, "n1.grub")
    site.set("boottarget", "memtest", kernel="ftp://10.9.9.9/memtest")
    assert "GRUB does not load from ftp://" in str(nodeset(site, "n1", "boottarget=memtest").errors["n1"])


def test_an_osimage_may_stand_for_it(site: Site, version: ImageVersion, rescue: str) -> None:
    site.set("osimage", "resc", imagetype="linux", provmethod="boottarget", boottarget=rescue, osvers="debian12")
    assert nodeset(site, "n1", "osimage=resc") == {"n1": STATE}
    assert [site.nodes["n1"].get(key) for key in ("provmethod", "os")] == ["resc", "debian12"]
    nodeset(site, "n1", "boot")
    assert nodeset(site, "n1", "osimage") == {"n1": STATE}
    site.set("osimage", "resc", boottarget=None)
    with pytest.raises(DefinitionError, match="provmethod=boottarget and names none"):
        nodeset(site, "n1", "osimage=resc")
    site.set("osimage", IMAGE, boottarget=rescue)
    with pytest.raises(DefinitionError, match="is to be booted as an image, and has boottarget=rescue"):
        nodeset(site, "n1", f"osimage={IMAGE}")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"kernel": None}, "boottarget rescue has no kernel"),
        ({"kernel": "tools/none"}, r"kernel of boottarget rescue: .*/boot/tools/none is not there"),
        ({"initrd": "../site.db"}, r"initrd \.\./site\.db of boottarget rescue is no path below"),
        ({"kernel": "/etc/passwd"}, "kernel /etc/passwd of boottarget rescue is no path below"),
        ({"kernel": "tools/.vmlinuz"}, "is no path below"),
        ({"kernel": "tools"}, "is not there"),
    ],
)
def test_what_is_not_below_boot_is_refused(site: Site, rescue: str, values: dict[str, str], problem: str) -> None:
    site.set("boottarget", rescue, **values)
    with pytest.raises(DefinitionError, match=problem):
        nodeset(site, "n1", f"boottarget={rescue}")
    assert not (site.boot / "nodes").exists()


@pytest.mark.parametrize(
    "values",
    [
        {"kernel": "http://h/${net0/mac}"}, {"kernel": "http://h/a b"}, {"initrd": "http://h/x\ny"},
        {"kcmdline": "a || b"}, {"kcmdline": "${x}"}, {"kcmdline": "ä"}, {"kcmdline": "x" * 2100},
    ],
)  # fmt: skip
def test_what_a_boot_loader_would_interpret_is_refused(site: Site, rescue: str, values: dict[str, str]) -> None:
    with site.store.write("whatever stored it") as transaction:
        transaction.put("boottarget", rescue, {**(transaction.get("boottarget", rescue) or {}), **values})
    assert list(nodeset(site, "n1", f"boottarget={rescue}").errors) == ["n1"]
    assert not (site.boot / "nodes").exists()


def test_one_that_is_not_there_is_said(site: Site, nodes: list[str]) -> None:
    with pytest.raises(NotFoundError, match="there is no boottarget nope"):
        nodeset(site, "n1", "boottarget=nope")
    for action in ("boottarget", "boottarget= "):
        with pytest.raises(DefinitionError, match="names no boottarget"):
            nodeset(site, "n1", action)
