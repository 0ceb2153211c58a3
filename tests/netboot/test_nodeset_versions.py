"""nodeset osimage=IMAGE@VERSION: which version a node boots, what says so, and what lets it go again."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import smallimage
from netsite import IMAGE, publish
from smallimage import versions

from sbkernel.cli.main import main
from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError, NotFoundError
from sbkernel.files import hold
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.writing import Writer
from sbkernel.site import Site


def script(site: Site, node: str) -> str:
    return (site.boot / f"nodes/{node}.ipxe").read_text()


@pytest.fixture
def digests(site: Site) -> list[str]:
    return versions(site, IMAGE, "abc")


def test_a_digest_pins_the_node(site: Site, digests: list[str], nodes: list[str]) -> None:
    a, _, c = digests
    assert nodeset(site, "n1", f"osimage={IMAGE}@{a[:8]}") == {"n1": "netboot debian12-x86_64-compute"}
    assert f"\n# {IMAGE}@{a}, to which the node is pinned\n" in script(site, "n1")
    assert a in script(site, "n1") and c not in script(site, "n1")
    node = site.nodes["n1"]
    assert node.get("provmethod") == f"{IMAGE}@{a}"
    assert (node.get("os"), node.get("profile"), node.get("currstate")) == (
        "debian12", "compute", "netboot debian12-x86_64-compute",
    )  # fmt: skip
    assert f"sbkernel.image={a}" in node.get("kcmdline") and a in node.get("kernel") and a in node.get("initrd")
    assert nodeset(site, "n1", "stat") == {"n1": "netboot debian12-x86_64-compute"}


def test_no_word_of_a_version_becomes_two_of_a_boot_script(site: Site, nodes: list[str]) -> None:
    """image.json may come from elsewhere."""
    smallimage.publish(site, b"x", IMAGE, key="0 init=/bin/sh")
    result = nodeset(site, "n1", f"osimage={IMAGE}")
    assert "cannot be written to a boot file" in str(result.errors["n1"])
    assert not (site.boot / "nodes/n1.ipxe").exists()


def test_a_pin_stays_until_another_osimage_is_given(site: Site, digests: list[str], nodes: list[str]) -> None:
    a, _, c = digests
    nodeset(site, "n1", f"osimage={IMAGE}@{a}")
    publish(site, b"d")
    nodeset(site, "n1", "osimage")
    assert a in script(site, "n1") and site.nodes["n1"].get("provmethod") == f"{IMAGE}@{a}"
    nodeset(site, "n1", "boot")
    assert site.nodes["n1"].get("provmethod") == f"{IMAGE}@{a}", "the disk once, then the same version again"
    nodeset(site, "n1", "osimage")
    assert a in script(site, "n1")
    nodeset(site, "n1", f"osimage={IMAGE}@{c[:4]}")
    assert site.nodes["n1"].get("provmethod") == f"{IMAGE}@{c}"
    nodeset(site, "n1", f"osimage={IMAGE}")
    current = Catalog(site).current(IMAGE).digest
    assert current in script(site, "n1") and site.nodes["n1"].get("provmethod") == IMAGE
    assert f"\n# {IMAGE}@{current}, the current version when this was written\n" in script(site, "n1")


@pytest.mark.parametrize(("word", "number"), [("previous", 1), ("candidate", 2), ("9999-01-01", 2)])
def test_words_pin_what_they_mean_now(site: Site, digests: list[str], nodes: list[str], word: str, number: int) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}@{word}")
    assert site.nodes["n1"].get("provmethod") == f"{IMAGE}@{digests[number]}"
    publish(site, b"d")
    nodeset(site, "n1", "osimage")
    assert digests[number] in script(site, "n1")


def test_current_follows(site: Site, digests: list[str], nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}@current")
    assert site.nodes["n1"].get("provmethod") == IMAGE


def test_what_somebody_wrote_into_provmethod_counts_and_stays(site: Site, digests: list[str], nodes: list[str]) -> None:
    site.set("node", "n1", provmethod=f"{IMAGE}@candidate")
    Catalog(site).rollback(IMAGE)
    nodeset(site, "n1", "osimage")
    assert f"# {IMAGE}@{digests[2]}, the candidate version when this was written" in script(site, "n1")
    assert site.nodes["n1"].get("provmethod") == f"{IMAGE}@candidate"


def test_after_a_rollback_plain_osimage_is_the_version_before(site: Site, digests: list[str], nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    Catalog(site).rollback(IMAGE)
    assert digests[2] in script(site, "n1"), "a boot file changes by nodeset only"
    publish(site, b"d")
    nodeset(site, "n1", "osimage")
    assert digests[1] in script(site, "n1")


def test_a_version_that_is_not_there_changes_nothing(site: Site, digests: list[str], nodes: list[str]) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    before = script(site, "n1")
    with pytest.raises(NotFoundError, match=f"image {IMAGE} has no version 0badc0de\n  there are: {digests[2][:8]}"):
        nodeset(site, "n1,n2", f"osimage={IMAGE}@0badc0de")
    with pytest.raises(NotFoundError, match="Cannot find the OS image nope in the osimage table"):
        nodeset(site, "n1", "osimage=nope@previous")
    site.set("node", "n2", provmethod=f"{IMAGE}@0badc0de")
    result = nodeset(site, "n1,n2", "osimage")
    assert list(result) == ["n1"] and isinstance(result.errors["n2"], NodeError)
    assert script(site, "n1") == before


def test_a_gated_image_has_nothing_to_boot_yet(site: Site, nodes: list[str]) -> None:
    only = smallimage.publish(site, b"a", IMAGE, gated=True)
    with pytest.raises(NotFoundError, match=f"no version of {IMAGE} was promoted yet\n  sb promote {IMAGE}"):
        nodeset(site, "n1", f"osimage={IMAGE}")
    nodeset(site, "n1", f"osimage={IMAGE}@candidate")
    assert only.digest in script(site, "n1")


def test_versions_are_held_from_the_look_to_the_last_boot_file(
    site: Site, digests: list[str], nodes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, held = Catalog(site), []
    write = Writer.write

    def looking(self: Writer, nodes: Mapping[str, Definition]) -> None:
        write(self, nodes)
        with pytest.raises(BlockingIOError):
            hold(catalog.current(IMAGE).dir / "image.json", wait=False)
        held.append(True)

    monkeypatch.setattr(Writer, "write", looking)
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert held


def test_what_a_boot_file_named_is_marked_when_it_is_replaced(site: Site, digests: list[str], nodes: list[str]) -> None:
    def mark(digest: str) -> int:
        return (site.catalog / digest).stat().st_mtime_ns

    nodeset(site, "n1", f"osimage={IMAGE}@{digests[0]}")
    before = [mark(digest) for digest in digests]
    nodeset(site, "n1", f"osimage={IMAGE}", dry_run=True)
    assert [mark(digest) for digest in digests] == before, "a dry run marks nothing"
    nodeset(site, "n1", "offline")
    now = [mark(digest) for digest in digests]
    assert now[0] > before[0] and now[1:] == before[1:]


def test_lsdef_knows_the_image_of_a_pinned_node(
    site: Site, digests: list[str], nodes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}@previous")
    with pytest.raises(SystemExit):
        main(["--site", str(site.root), "lsdef", "-o", "n1", "--osimage"])
    out, err = capsys.readouterr()
    assert f"provmethod={IMAGE}@{digests[1]}" in out and "osvers=debian12" in out and err == ""


def test_help_says_what_pins(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--site", str(tmp_path), "nodeset", "--help"])
    assert "osimage=IMAGE@DIGEST    boot that version: this pins the node" in capsys.readouterr().out


def test_a_stack_is_named_by_the_digests_of_its_roots(site: Site, nodes: list[str]) -> None:
    names = ["root.0.squashfs", "root.1.squashfs", "root.squashfs"]
    version = smallimage.publish(site, b"root", IMAGE, roots=names, layered=True)
    nodeset(site, "n1", f"osimage={IMAGE}")
    words = site.nodes["n1"].get("kcmdline").split()
    bottom, *uppers = version.roots
    assert f"imgurl=http://10.0.0.1:8080/catalog/layers/{bottom.sha256}.squashfs" in words
    assert [word for word in words if word.startswith("sbkernel.layer=")] == [
        f"sbkernel.layer={root.name},{root.size},{root.sha256}" for root in uppers
    ]
    assert (site.catalog / f"layers/{bottom.sha256}.squashfs").samefile(version.root)
    assert f"sbkernel.sha256={bottom.sha256}" in words and f"sbkernel.size={bottom.size}" in words
