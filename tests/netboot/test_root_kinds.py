"""nodeset and the kinds of root: the node's own, else the osimage's; one that the image cannot make is refused."""

import pytest
from netsite import IMAGE
from smallimage import publish

from sbkernel.errors import DefinitionError
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site


def words(site: Site, node: str = "n1") -> list[str]:
    """Return what the command line of a node says of its kind of root."""
    nodeset(site, node, f"osimage={IMAGE}")[node]
    return [word for word in site.nodes[node].get("kcmdline").split() if word.startswith("sbkernel.root=")]


@pytest.mark.parametrize(
    ("image", "node", "said"),
    [
        ("", "", []),
        ("ram", "", []),
        ("lazy", "", ["sbkernel.root=lazy"]),
        ("lazy,tmpfs", "", ["sbkernel.root=lazy"]),
        ("lazy,tmpfs", "tmpfs", ["sbkernel.root=tmpfs"]),
        ("lazy", "ram", []),
        ("", "tmpfs", ["sbkernel.root=tmpfs"]),
    ],
)
def test_the_nodes_kind_is_before_that_of_the_image(
    site: Site, nodes: list[str], image: str, node: str, said: list[str]
) -> None:
    publish(site, b"root", IMAGE, rootkinds=["lazy", "tmpfs"], verity="a" * 64)
    site.set("osimage", IMAGE, rootkind=image)
    site.set("node", "n1", rootkind=node)
    assert words(site) == said


def test_a_kind_that_the_image_cannot_make_stops_that_node_alone(site: Site, nodes: list[str]) -> None:
    publish(site, b"root", IMAGE, rootkinds=["tmpfs"])
    site.set("osimage", IMAGE, rootkind="tmpfs")
    site.set("node", "n1", rootkind="zram")
    result = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert sorted(result) == ["n2"]
    assert "was packed without what a root of that kind needs" in result.errors["n1"].message
    assert f"sb chdef -t osimage {IMAGE} rootkind=tmpfs,zram, then sb genimage" in str(result.errors["n1"].hint)


@pytest.mark.parametrize("value", ["nfs", "ram,", ",ram", "ram tmpfs", "RAM", "ram,nfs"])
def test_no_other_kind_is_taken(site: Site, value: str) -> None:
    for objtype, name in (("osimage", IMAGE), ("node", "n1")):
        with pytest.raises(DefinitionError):
            site.set(objtype, name, rootkind=value)
