"""Nodes that boot by GRUB: its scripts, what GRUB itself says of them, and that nothing of another loader is left."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netsite import IMAGE, publish

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NodeError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles, loaders
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripts import Load, loading
from sbkernel.rollout.versions.references import gather
from sbkernel.site import Site

STATE, MAC = "netboot debian12-x86_64-compute", "52-54-00-00-00-01"
OF_GRUB = {"nodes/n1.grub", f"grub2/grub.cfg-01-{MAC}"}
OF_IPXE = {"nodes/n1.ipxe", f"by-mac/{MAC}.ipxe"}


@pytest.fixture
def by_grub(site: Site, version: ImageVersion, nodes: list[str]) -> ImageVersion:
    """A site whose node n1 boots by GRUB."""
    site.set("node", "n1", netboot="grub2")
    return version


def files_below(boot: Path) -> set[str]:
    others = (loaders.DIRECTORY, "boot.ipxe")
    names = {str(path.relative_to(boot)) for path in boot.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith(others) and not name.endswith(".tar")}


def understood(script: str) -> bool:
    return subprocess.run(["grub-script-check"], input=script, text=True, check=False).returncode == 0


def arguments(script: str, command: str) -> list[str]:
    """Return the words of a command; single quotes are the shell's (GRUB manual, Quoting)."""
    line = next(line for line in script.splitlines() if line.strip().startswith(f"if {command} "))
    return shlex.split(line.strip().removesuffix("; then"))[2:]


def test_the_script_loads_what_that_of_ipxe_would(site: Site, by_grub: ImageVersion) -> None:
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}
    assert files_below(site.boot) == OF_GRUB | OF_IPXE
    script = (site.boot / "nodes/n1.grub").read_text()
    assert understood(script)
    assert script.startswith(f"# {STATE}\n# {MAC} n1: written by nodeset, read by GRUB.\n# {IMAGE}@{by_grub.digest}, ")
    place = f"(http,10.0.0.1:8080)/catalog/{by_grub.digest}"
    assert arguments(script, "linux") == [f"{place}/kernel?node=n1", *site.nodes["n1"].get("kcmdline").split()]
    assert arguments(script, "initrd") == [f"{place}/initrd?node=n1"]
    assert (site.boot / f"grub2/grub.cfg-01-{MAC}").read_text().endswith("source /boot/nodes/n1.grub\n")
    assert "chain --autofree ../loaders/grubx64.efi" in (site.boot / "nodes/n1.ipxe").read_text()


def test_what_it_boots_is_known_and_kept(site: Site, by_grub: ImageVersion) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert nodeset(site, "n1", "stat") == {"n1": STATE}
    assert bootfiles.version(site.boot, "n1") == by_grub.digest
    newer = publish(site, b"another root")
    assert gather(site).said()[by_grub.digest] == ["boot file of n1"]
    nodeset(site, "n1", "osimage")
    assert bootfiles.version(site.boot, "n1") == newer.digest
    (site.boot / "nodes/n1.grub").write_text(f"  if linux (http,10.0.0.1)/catalog/{by_grub.digest}/kernel; then\n")
    assert {by_grub.digest, newer.digest} <= gather(site).said().keys(), "one of both scripts is enough"


def test_the_disk_is_booted_by_grub_as_well(site: Site, by_grub: ImageVersion) -> None:
    assert nodeset(site, "n1", "boot") == {"n1": "boot"}
    assert nodeset(site, "n1", "stat") == {"n1": "boot"}
    script = (site.boot / "nodes/n1.grub").read_text()
    assert understood(script) and "next_device" in script
    assert bootfiles.version(site.boot, "n1") == ""


def test_nothing_of_the_other_loader_is_left(site: Site, by_grub: ImageVersion) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    site.set("node", "n1", mac="52:54:00:00:00:aa")
    nodeset(site, "n1", "osimage")
    assert {name.replace("aa", "01") for name in files_below(site.boot)} == OF_GRUB | OF_IPXE
    site.set("node", "n1", netboot="xnba")
    nodeset(site, "n1", "osimage")
    assert {name.replace("aa", "01") for name in files_below(site.boot)} == OF_IPXE
    assert (site.boot / "nodes/n1.ipxe").read_text().count("kernel http://10.0.0.1:8080/catalog/") == 1
    site.set("node", "n1", netboot="grub2-http")
    nodeset(site, "n1", "osimage")
    nodeset(site, "n1", "offline")
    assert files_below(site.boot) == set()


def test_a_second_run_writes_nothing(site: Site, by_grub: ImageVersion) -> None:
    nodeset(site, "n1", f"osimage={IMAGE}")
    before = {path: path.stat().st_ino for path in site.boot.rglob("*")}
    assert {"grub.0", "grubx64.efi"} <= {path.name for path in before}
    nodeset(site, "n1", f"osimage={IMAGE}")
    assert {path: path.stat().st_ino for path in site.boot.rglob("*")} == before


@pytest.mark.parametrize("word", ["a'b", 'a"b', "a\\b"])
def test_what_grub_would_change_is_refused(site: Site, by_grub: ImageVersion, word: str) -> None:
    site.set("node", "n1", addkcmdline=word)
    error = nodeset(site, "n1", f"osimage={IMAGE}").errors["n1"]
    assert "GRUB would put backslashes into" in str(error) and "netboot=xnba" in str(error.hint)
    assert files_below(site.boot) == set()
    site.set("node", "n1", netboot="xnba")
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}


PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(st.lists(PRINTABLE, min_size=1, max_size=5))
def test_every_other_word_reaches_the_kernel_as_it_is(words: list[str]) -> None:
    node = Definition.of("node", "n1", {"netboot": "grub2"})
    load = Load("boottarget x", "x", "x", "http://h/k", "", " ".join(words))
    if set("'\"\\") & set(load.command_line):
        with pytest.raises(NodeError):
            loading(node, MAC, load, "x86_64")
        return
    script = loading(node, MAC, load, "x86_64")["nodes/n1.grub"].decode()
    assert arguments(script, "linux") == ["(http,h)/k", *words]


@pytest.mark.parametrize("words", ["a{b}", "x;y", "$z ${q}", "a|b&c", "*?[a]", "<in >out", "# no", "if then do done"])
def test_grub_understands_words_with_a_meaning_as_words(words: str) -> None:
    node = Definition.of("node", "n1", {"netboot": "grub2"})
    script = loading(node, MAC, Load("s", "b", "x", "http://h/k", "tftp://h/i", words), "x86_64")["nodes/n1.grub"]
    assert understood(script.decode())
    assert arguments(script.decode(), "initrd") == ["(tftp,h)/i"]


def test_what_grub_begins_with_is_understood_and_has_the_port() -> None:
    script = render_template("grub/begin.cfg", http_port=8099)
    assert understood(script) and 'set root="http,$server:8099"' in script


def test_a_host_without_grub_says_what_to_install(
    site: Site, by_grub: ImageVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "GRUB", tmp_path)
    result = nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert list(result) == ["n2"]
    assert str(result.errors["n1"]).startswith("n1: there is no GRUB for x86_64 here\n")
    assert "install grub-common grub-pc-bin grub-efi-amd64-bin" in str(result.errors["n1"].hint)


def test_grub_is_made_anew_for_another_port_and_after_a_kill(site: Site) -> None:
    file = site.boot / "loaders" / loaders.lay_grub(site.boot, 8080, "x86_64", bios=False)
    first = file.stat().st_ino
    loaders.lay_grub(site.boot, 8080, "x86_64", bios=False)
    assert file.stat().st_ino == first
    loaders.lay_grub(site.boot, 8081, "x86_64", bios=False)
    second = file.stat().st_ino
    assert second != first and b"8081" in file.read_bytes()
    (site.boot / "loaders/.grubx64.efi.made-from").unlink()
    loaders.lay_grub(site.boot, 8081, "x86_64", bios=False)
    assert file.stat().st_ino != second


def test_ipxe_is_copied_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    source, boot = tmp_path / "ipxe", tmp_path / "boot"
    source.mkdir()
    (source / "undionly.kpxe").write_bytes(b"one")
    directory = loaders.lay_ipxe(boot, source)
    assert [path.name for path in directory.iterdir()] == ["undionly.kpxe"]
    before = (directory / "undionly.kpxe").stat().st_ino
    loaders.lay_ipxe(boot, source)
    assert (directory / "undionly.kpxe").stat().st_ino == before
    (source / "undionly.kpxe").write_bytes(b"newer")
    loaders.lay_ipxe(boot, source)
    assert (directory / "undionly.kpxe").read_bytes() == b"newer"


def test_the_next_server_is_asked_when_one_is_dead(site: Site, by_grub: ImageVersion) -> None:
    site.set("node", "n1", servicenode="10.0.0.7")
    site.set("site", "clustersite", master="10.0.0.2")
    assert nodeset(site, "n1", f"osimage={IMAGE}") == {"n1": STATE}
    script = (site.boot / "nodes/n1.grub").read_text()
    assert understood(script)
    kernels = [line.split("/catalog")[0] for line in script.splitlines() if line.strip().startswith("if linux ")]
    assert [kernel.partition("(http,")[2] for kernel in kernels] == [
        "10.0.0.1:8080)", "10.0.0.7:8080)", "10.0.0.2:8080)",
    ]  # fmt: skip
    assert bootfiles.version(site.boot, "n1") == by_grub.digest
