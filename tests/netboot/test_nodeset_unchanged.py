"""A nodeset that has nothing to do looks at no node; whatever changed behind its back, it does what is to be done."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import smallimage
from netsite import IMAGE, publish

from sbkernel import resources
from sbkernel.errors import NodeError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import nodeset as module
from sbkernel.netboot import render, unchanged
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

SCRIPT, OVERLAY, BY_MAC = "nodes/n1.ipxe", "nodes/n1.overlay.tar", "by-mac/52-54-00-00-00-01.ipxe"
Set = Callable[..., dict[str, str]]


@pytest.fixture
def again(site: Site, version: ImageVersion, nodes: list[str], monkeypatch: pytest.MonkeyPatch) -> Set:
    """Set the nodes, twice; return what does it again, and says with `looks=False` that no node may be looked at."""
    planner = module.planner
    monkeypatch.setattr(unchanged, "MANY", 1)
    site.change("site", {"clustersite": {"master": "10.0.0.1"}})

    def again(*, looks: bool = True, what: str = f"osimage={IMAGE}") -> dict[str, str]:
        def planned(*arguments: object) -> object:
            assert looks, "it has looked at nodes"
            return planner(*arguments)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(module, "planner", planned)
            result = nodeset(site, "n1,n2", what)
        assert not result.errors
        return result

    again()
    again(looks=False)
    return again


def contents(site: Site) -> dict[str, bytes]:
    return {str(path.relative_to(site.boot)): path.read_bytes() for path in site.boot.rglob("*") if path.is_file()}


def test_nothing_is_looked_at_twice(site: Site, again: Set) -> None:
    states = again(looks=False)
    assert list(states) == ["n1", "n2"] and set(states.values()) == {"netboot debian12-x86_64-compute"}
    assert again(what="osimage") == states == again(what="osimage", looks=False) == again(looks=False)


@pytest.mark.parametrize("path", [SCRIPT, OVERLAY, BY_MAC, "boot.ipxe"])
@pytest.mark.parametrize("harm", ["removed", "emptied", "edited", "replaced", "a directory is gone"])
def test_files_are_mended(site: Site, again: Set, path: str, harm: str) -> None:
    """An editor may leave a file as long as it was, and tools set its time back: its inode still tells."""
    before, file = contents(site), site.boot / path
    status = file.stat()
    match harm:
        case "removed":
            file.unlink()
        case "emptied":
            file.write_bytes(b"")
        case "edited":
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "replaced":
            other = file.with_name("other")
            other.write_bytes(b"x" * status.st_size)
            os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
            other.replace(file)
        case _:
            shutil.rmtree(site.boot if file.parent == site.boot else file.parent)
    again()
    assert contents(site).keys() - {"other"} >= before.keys()
    assert {name: contents(site)[name] for name in before} == before
    again(looks=False)


CHANGES: dict[str, Callable[[Site], object]] = {
    "an attribute": lambda site: site.set("node", "n1", addkcmdline="changed"),
    "one of a group": lambda site: site.set("group", "all", addkcmdline="changed"),
    "one of the image": lambda site: site.set("osimage", IMAGE, addkcmdline="changed"),
    "a network": lambda site: site.set("network", "net", net="10.0.0.0", mask="255.255.255.0", ntpservers="changed"),
    "the site": lambda site: site.change("site", {"clustersite": {"domain": "changed"}}),
    "root's password": lambda site: site.set("passwd", "system", username="root", password="$6$changed$"),
    "keys": lambda site: site.authorize(f"ssh-ed25519 {'A' * 68} changed"),
    "a script": lambda site: site.set("node", "n1", postscripts="syslog,changed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_an_outcome_depends_on_is_seen(site: Site, again: Set, what: str) -> None:
    script = site.installdir / "postscripts" / "changed"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("#!/bin/sh\n")
    again()
    before = contents(site)
    CHANGES[what](site)
    again()
    changed = {path for path, content in contents(site).items() if content != before.get(path)}
    assert changed and any(b"changed" in contents(site)[path] for path in changed)
    again(looks=False)


def test_a_password_of_the_environment(site: Site, again: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOTS", "one")
    site.set("passwd", "system", username="root", password="env:ROOTS")
    again()
    before = contents(site)[OVERLAY]
    again(looks=False)
    monkeypatch.setenv("ROOTS", "two")
    again()
    assert contents(site)[OVERLAY] != before


def test_scripts_of_the_site_are_read_again(site: Site, again: Set) -> None:
    script = site.installdir / "postscripts" / "mine"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text("#!/bin/sh\n: one\n")
    site.set("node", "n1", postscripts="mine")
    again()
    again(looks=False)
    script.write_text("#!/bin/sh\n: two\n")
    again()
    assert sum(path.startswith("postscripts/") for path in contents(site)) == 2


def test_a_new_version_and_the_way_back(site: Site, version: ImageVersion, again: Set) -> None:
    newer = publish(site, b"another root")
    again()
    assert newer.digest.encode() in contents(site)[SCRIPT]
    again(looks=False)
    again(what=f"osimage={IMAGE}@{version.digest}")
    assert version.digest.encode() in contents(site)[SCRIPT]


def test_templates_are_part_of_it(site: Site, again: Set, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(resources.templates(), tmp_path / "templates")
    monkeypatch.setattr(resources, "templates", lambda: copied)
    caches = [one for one in vars(render).values() if isinstance(one, functools._lru_cache_wrapper)]
    again()
    again(looks=False)
    with (copied / "ipxe/node.ipxe").open("a") as file:
        file.write("# changed\n")
    for cache in caches:
        cache.cache_clear()
    try:
        again()
        assert contents(site)[SCRIPT].endswith(b"# changed\n")
    finally:
        for cache in caches:
            cache.cache_clear()


def test_a_hold_is_not_crossed(site: Site, again: Set) -> None:
    site.set("node", "n1", held="somebody: works on it")
    with pytest.raises(NodeError, match="held by somebody"):
        nodeset(site, "n1,n2", f"osimage={IMAGE}")["n1"]


def test_errors_are_found_anew(site: Site, again: Set) -> None:
    assert "n3" in nodeset(site, "n1-n3", f"osimage={IMAGE}").errors
    assert "n3" in nodeset(site, "n1-n3", f"osimage={IMAGE}").errors


def test_another_node_with_the_same_address(site: Site, again: Set) -> None:
    """n0 sorts before n1, and says that it was set: n1 is to be told, though nothing of it has changed."""
    site.set("node", "n0", groups="all", mac="52:54:00:00:00:01", currstate="boot")
    assert "n1" in nodeset(site, "n1,n2", f"osimage={IMAGE}").errors


def test_of_few_nodes_nothing_is_remembered(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    """Looking at the files of a large site would cost more than looking at them."""
    site.change("site", {"clustersite": {"master": "10.0.0.1"}})
    nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert not (site.run / "nodeset.json").exists()


def test_a_memory_that_cannot_be_written_stops_nothing(site: Site, again: Set) -> None:
    (site.run / "nodeset.json").unlink()
    (site.run / "nodeset.json").mkdir()
    again()
    again()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": [1, 2]}'])
def test_what_cannot_be_read_is_forgotten(site: Site, again: Set, text: str) -> None:
    file = site.run / "nodeset.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(text)
    again()
    again(looks=False)


def test_a_file_edited_while_it_runs_is_not_taken_for_right(
    site: Site, again: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.set("node", "n1", addkcmdline="new")
    note, right = module._note, list[bytes]()

    def edit(*arguments: object) -> None:
        right.append((site.boot / SCRIPT).read_bytes())
        (site.boot / SCRIPT).write_bytes(b"edited\n")
        note(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_note", edit)
    again()
    assert contents(site)[SCRIPT] == b"edited\n"
    again()
    assert [contents(site)[SCRIPT]] == right


def test_a_definition_changed_while_it_runs_is_not_overlooked(
    site: Site, again: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = module._note
    site.set("node", "n1", addkcmdline="first")

    def change(*arguments: object) -> None:
        note(*arguments)  # type: ignore[arg-type]
        site.set("node", "n2", addkcmdline="second")

    monkeypatch.setattr(module, "_note", change)
    again()
    monkeypatch.setattr(module, "_note", note)
    again()
    assert b" second " in contents(site)["nodes/n2.ipxe"]


KILLED = """
import os, signal, sys
from sbkernel import files
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site
replace, left = os.replace, [int(sys.argv[2])]
def dying(*arguments, **words):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*arguments, **words)
os.replace = dying
with Site.open(sys.argv[1]) as site:
    nodeset(site, "n1,n2", sys.argv[3])
"""


@pytest.mark.parametrize("after", range(5))
def test_killed_at_any_file_it_is_finished_by_the_next(site: Site, again: Set, after: int) -> None:
    smallimage.publish(site, b"third root", IMAGE)
    before = contents(site)
    site.change("site", {"clustersite": {"domain": "changed"}})  # so that overlays change, too
    done = subprocess.run([sys.executable, "-c", KILLED, str(site.root), str(after), f"osimage={IMAGE}"], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    visible = {path: content for path, content in contents(site).items() if not Path(path).name.startswith(".")}
    assert visible.keys() == before.keys() and all(len(visible[path]) >= len(before[path]) // 2 for path in before)
    again()
    mended = contents(site)
    shutil.rmtree(site.boot)
    again()
    assert {path: content for path, content in mended.items() if not Path(path).name.startswith(".")} == contents(site)


def test_two_at_once_leave_what_one_of_them_wants(site: Site, version: ImageVersion, again: Set) -> None:
    publish(site, b"another root")
    wanted = [f"osimage={IMAGE}", f"osimage={IMAGE}@{version.digest}"]

    def run(what: str) -> None:
        with Site.open(site.root) as opened:
            for _ in range(3):
                nodeset(opened, "n1,n2", what)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, wanted))
    again(what=wanted[0])
    mixed = contents(site)
    shutil.rmtree(site.boot)
    again(what=wanted[0])
    assert contents(site) == mixed


def test_a_key_added_while_it_runs_is_not_overlooked(site: Site, again: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came after the overlays were made, and before the outcome was noted."""
    site.set("node", "n1", addkcmdline="new")
    note = module._note

    def add(*arguments: object) -> None:
        note(*arguments)  # type: ignore[arg-type]
        site.authorize(f"ssh-ed25519 {'A' * 68} late")

    monkeypatch.setattr(module, "_note", add)
    again()
    assert b" late" not in contents(site)[OVERLAY]
    monkeypatch.setattr(module, "_note", note)
    again()
    assert b" late" in contents(site)[OVERLAY]
    again(looks=False)
