"""Nodes that are alike have one script; each is set for itself all the same, and its address leads to it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from netsite import IMAGE, publish, script_of

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot import bootfiles
from sbkernel.netboot.bootfiles import BootFiles
from sbkernel.netboot.bootplan import BootPlan, plan_offline
from sbkernel.netboot.nodeset import nodeset
from sbkernel.netboot.scripts import mac_path, script_path
from sbkernel.rollout.versions.references import gather
from sbkernel.site import Site

STATE = "netboot debian12-x86_64-compute"
ALIKE = ("c1", "c2", "c3", "c4")


@pytest.fixture
def alike(site: Site, version: ImageVersion) -> ImageVersion:
    """Define four nodes that differ only in their names and addresses."""
    for number, name in enumerate(ALIKE, start=1):
        site.set("node", name, groups="all,compute", mac=address(number), ip=f"10.0.0.{number}", xcatmaster="10.0.0.9")
    return version


def address(number: int) -> str:
    return f"52:54:00:00:02:0{number}"


def leads(site: Site) -> dict[str, str]:
    """Return by address the node to which its script leads; that one sets the same node and the address."""
    found = {}
    for path in site.boot.glob("by-mac/*.ipxe"):
        words = path.read_text().split()
        node = words[words.index("set") + 2]
        assert path.read_text().endswith(
            f"\nset node {node}\nset card {path.stem}\nchain --autofree --replace ../nodes/{node}.ipxe\n"
        )
        found[path.stem[-2:]] = node
    return found


def inodes(site: Site, *nodes: str) -> list[int]:
    return [(site.boot / script_path(node)).stat().st_ino for node in nodes]


def hidden(site: Site) -> list[Path]:
    return [path for name in ("nodes", "by-mac") for path in (site.boot / name).glob(".*")]


def test_nodes_that_are_alike_share_a_script_and_others_do_not(site: Site, alike: ImageVersion) -> None:
    site.set("node", "serial", mac=address(6), xcatmaster="10.0.0.9", serialport="1", serialspeed="9600")
    site.set("node", "disk", mac=address(7), xcatmaster="10.0.0.9")
    site.set("node", "grub", mac=address(8), xcatmaster="10.0.0.9", netboot="grub2")
    assert not nodeset(site, "compute,serial,grub", f"osimage={IMAGE}").errors
    nodeset(site, "disk", "boot")
    assert len(set(inodes(site, *ALIKE))) == 1
    assert len({*inodes(site, *ALIKE, "serial", "disk", "grub")}) == 4
    assert (site.boot / "nodes/c1.ipxe").stat().st_mode & 0o777 == 0o644
    for number, node in enumerate(ALIKE, start=1):
        script = script_of(site.boot, node)
        assert f"# {address(number).replace(':', '-')} {node}: written" in script and "NODE=" + node in script
        assert f"BOOTIF=01-{address(number).replace(':', '-')} " in script
        assert site.nodes[node].get("kcmdline") in script
        assert bootfiles.state(site.boot, node) == STATE and bootfiles.version(site.boot, node) == alike.digest
    assert leads(site) == {"01": "c1", "02": "c2", "03": "c3", "04": "c4", "06": "serial", "07": "disk", "08": "grub"}
    assert not hidden(site)


def test_one_that_is_set_to_another_image_leaves_the_others(site: Site, alike: ImageVersion) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    before = [(site.boot / script_path(node)).stat() for node in ALIKE]
    text, other = (site.boot / "nodes/c4.ipxe").read_bytes(), publish(site, b"another root")
    for node, action in (("c1", f"osimage={IMAGE}"), ("c2", "boot"), ("c3", "offline")):
        nodeset(site, node, action)
    assert (site.boot / "nodes/c4.ipxe").read_bytes() == text
    assert inodes(site, "c4") == [before[3].st_ino]
    assert (site.boot / "nodes/c4.ipxe").stat().st_mtime_ns == before[3].st_mtime_ns
    assert [bootfiles.version(site.boot, node) for node in ALIKE] == [other.digest, "", "", alike.digest]
    assert [bootfiles.state(site.boot, node) for node in ALIKE] == [STATE, "boot", "offline", STATE]
    assert gather(site).boots == {
        "c1": {other.digest, other.root_sha256}, "c4": {alike.digest, alike.root_sha256},
    }  # fmt: skip


def test_who_joins_others_gets_a_file_that_is_new(site: Site, alike: ImageVersion) -> None:
    """Both were written at the same time and are equally long: a copy that looks at that alone must see a change."""
    other = publish(site, b"another root")
    nodeset(site, "c1", f"osimage={IMAGE}@{alike.digest}")
    nodeset(site, "c2,c3", f"osimage={IMAGE}@{other.digest}")
    for node in ("c1", "c2"):
        os.utime(site.boot / script_path(node), (1, 1))
    nodeset(site, "c1,c2,c4", f"osimage={IMAGE}@{other.digest}")
    c1, c2 = (site.boot / script_path(node) for node in ("c1", "c2"))
    assert c1.read_bytes() == c2.read_bytes()
    assert c1.stat().st_mtime > c2.stat().st_mtime == 1
    assert inodes(site, "c1") == inodes(site, "c4") != inodes(site, "c2") == inodes(site, "c3")


KILLED = """
import os, signal, sys
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

replace = os.replace

def killed(source, *names, **more):
    if str(source).endswith(".link"):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, *names, **more)

os.replace = killed
with Site.open(sys.argv[1]) as site:
    nodeset(site, "compute", sys.argv[2])
"""


def test_killed_between_link_and_rename(site: Site, alike: ImageVersion) -> None:
    """What it leaves is the file of a node; the next run, whose process has the same number, does not write into it."""
    nodeset(site, "compute", f"osimage={IMAGE}")
    other = publish(site, b"another root")
    setting = f"osimage={IMAGE}@{other.digest}"
    done = subprocess.run([sys.executable, "-c", KILLED, str(site.root), setting], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = hidden(site)
    assert left.name.endswith(".link") and left.stat().st_ino == inodes(site, "c1")[0]
    assert [bootfiles.version(site.boot, node) for node in ALIKE] == [other.digest, *[alike.digest] * 3]
    ours = left.rename(left.with_name(f".{os.getpid()}-{threading.get_ident()}.new.link"))
    third = publish(site, b"third root")
    nodeset(site, "c2,c3", f"osimage={IMAGE}@{third.digest}")
    assert [bootfiles.version(site.boot, node) for node in ALIKE] == [
        other.digest, third.digest, third.digest, alike.digest,
    ]  # fmt: skip
    assert not ours.exists() and not hidden(site)
    nodeset(site, "compute", setting)
    assert {bootfiles.version(site.boot, node) for node in ALIKE} == {other.digest}
    assert leads(site) == {"01": "c1", "02": "c2", "03": "c3", "04": "c4"}


def test_an_address_that_a_node_has_no_more_leads_nowhere(site: Site, alike: ImageVersion) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    site.set("node", "c2", mac=address(9))
    nodeset(site, "compute", f"osimage={IMAGE}")
    assert leads(site) == {"01": "c1", "09": "c2", "03": "c3", "04": "c4"}
    site.set("node", "c2", mac=address(2))
    nodeset(site, "c2", "boot")  # to a script of its own
    assert leads(site) == {"01": "c1", "02": "c2", "03": "c3", "04": "c4"}
    site.set("node", "c2", mac=address(9))
    nodeset(site, "c2", f"osimage={IMAGE}")  # and back
    assert leads(site) == {"01": "c1", "09": "c2", "03": "c3", "04": "c4"}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("action", [f"osimage={IMAGE}", "boot"])
def test_nodes_that_have_swapped_their_addresses(site: Site, alike: ImageVersion, together: bool, action: str) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    site.change("node", {"c1": {"mac": address(2)}, "c2": {"mac": address(3)}, "c3": {"mac": address(1)}})
    for nodes in ["c1,c2,c3"] if together else ["c1", "c2", "c3"]:
        assert not nodeset(site, nodes, action).errors
    assert leads(site) == {"01": "c3", "02": "c1", "03": "c2", "04": "c4"}
    assert "\n# 52-54-00-00-02-03 c2: " in script_of(site.boot, "c2")


@pytest.mark.parametrize("together", [True, False])
def test_nodes_that_have_each_the_address_of_the_next(site: Site, alike: ImageVersion, together: bool) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    site.change("node", {"c1": {"mac": address(2)}, "c2": {"mac": address(3)}, "c3": {"mac": address(9)}})
    for nodes in ["c1,c2,c3"] if together else ["c1", "c2", "c3"]:
        nodeset(site, nodes, f"osimage={IMAGE}")
    assert leads(site) == {"02": "c1", "03": "c2", "09": "c3", "04": "c4"}


def test_offline_asks_for_no_address_but_the_one_that_is_known(
    site: Site, alike: ImageVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it takes no longer where there are many nodes."""
    nodeset(site, "c1,c2", f"osimage={IMAGE}")
    monkeypatch.setattr(BootFiles, "_all_addresses", lambda _: pytest.fail("it looks at all"))
    nodeset(site, "c2", "offline")
    assert leads(site) == {"01": "c1"} and bootfiles.state(site.boot, "c2") == "offline"


def test_offline_removes_what_leads_to_a_node(site: Site, alike: ImageVersion) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    nodeset(site, "c2", "offline")
    assert leads(site) == {"01": "c1", "03": "c3", "04": "c4"}
    site.set("node", "c3", mac=address(9))  # offline does not ask for the address that it has now
    nodeset(site, "c1,c3,c4", "offline")
    assert leads(site) == {}
    assert [path for path in site.boot.rglob("*") if path.is_file()] == [site.boot / "boot.ipxe"]


def test_a_node_that_is_removed_and_comes_again_with_another_address(site: Site, alike: ImageVersion) -> None:
    nodeset(site, "compute", f"osimage={IMAGE}")
    site.delete("node", "c2")
    site.set("node", "c2", groups="all,compute", mac=address(9), xcatmaster="10.0.0.9")
    nodeset(site, "c2", f"osimage={IMAGE}")
    assert leads(site) == {"01": "c1", "09": "c2", "03": "c3", "04": "c4"}


def test_the_address_of_grub_goes_although_the_run_that_went_to_ipxe_was_killed(
    site: Site, alike: ImageVersion
) -> None:
    """It had written the script that all share, which does not say which address its node had."""
    site.set("node", "c1", netboot="grub2")
    nodeset(site, "compute", f"osimage={IMAGE}")
    assert (site.boot / "grub2/grub.cfg-01-52-54-00-00-02-01").exists()
    for action in (f"osimage={IMAGE}", "boot", "offline"):
        site.set("node", "c1", netboot="grub2")
        nodeset(site, "c1", f"osimage={IMAGE}")
        site.set("node", "c1", netboot="xnba")
        (site.boot / "nodes/c1.ipxe").unlink()
        os.link(site.boot / "nodes/c2.ipxe", site.boot / "nodes/c1.ipxe")
        nodeset(site, "c1", action)
        assert not (site.boot / "grub2/grub.cfg-01-52-54-00-00-02-01").exists()
        assert not (site.boot / "nodes/c1.grub").exists()


def test_what_an_older_version_wrote_is_followed_by_what_names_the_node(
    site: Site, alike: ImageVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that is reached by an address that sets nothing leads back there: not even for a moment."""
    site.set("node", "c4", addkcmdline="card=#NODEATTRIB:mac:mac#")  # it has a script of its own
    nodeset(site, "compute", f"osimage={IMAGE}")
    scripts, guard = {node: script_of(site.boot, node) for node in ALIKE}, "\nisset "
    for node, script in scripts.items():
        (site.boot / script_path(node)).unlink()
        (site.boot / script_path(node)).write_text("\n".join(one for one in script.split("\n") if one[:5] != "isset"))
    for number, node in enumerate(ALIKE, start=1):
        path = site.boot / mac_path(address(number).replace(":", "-"))
        path.write_text(f"#!ipxe\nchain --autofree --replace ../nodes/{node}.ipxe\n")
    seen, replace = list[tuple[bool, bool]](), os.replace

    def looked(*words: str, **more: int) -> None:
        replace(*words, **more)
        for number, node in enumerate(ALIKE, start=1):
            by_mac = (site.boot / mac_path(address(number).replace(":", "-"))).read_text()
            seen.append(("\nset node" in by_mac, guard in (site.boot / script_path(node)).read_text()))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", looked)
        nodeset(site, "compute", f"osimage={IMAGE}")
    assert (False, True) not in seen and {(False, False), (True, False), (True, True)} <= set(seen)
    assert {node: script_of(site.boot, node) for node in ALIKE} == scripts
    assert len(set(inodes(site, *ALIKE))) == 2


def plans(image: bytes) -> list[BootPlan]:
    made = []
    for number, node in enumerate(ALIKE, start=1):
        mac = address(number).replace(":", "-")
        lead = f"#!ipxe\nset node {node}\nset card {mac}\nchain --autofree --replace ../nodes/{node}.ipxe\n".encode()
        files = {script_path(node): b"#!ipxe\n# netboot x\n# ${card} ${node}: " + image * 500, mac_path(mac): lead}
        made.append(BootPlan(node, "netboot x", mac, files, shared=True))
    return made


def test_two_that_set_the_same_nodes_at_the_same_time(tmp_path: Path) -> None:
    """Whoever reads a script finds that of one of them; at the end each node has one, and nothing is left beside."""
    rounds, ended, wrong = 60, threading.Event(), list[object]()
    choices = [plans(image) for image in (b"A", b"B", b"C")]
    allowed = {one.files[script_path(one.node)] for choice in choices for one in choice} | {b""}

    def set_nodes(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(rounds):
            with BootFiles(tmp_path) as files:
                for plan in chance.sample(chance.choice(choices), len(ALIKE)):
                    files.apply(plan, files.scripts(plan.node))

    def guarded(seed: int) -> None:
        try:
            set_nodes(seed)
        except Exception as error:
            wrong.append(error)

    def look() -> None:
        while not ended.is_set():
            for node in ALIKE:
                path = tmp_path / script_path(node)
                if path.exists() and (text := path.read_bytes()) not in allowed:
                    wrong.append(text)

    watcher, setters = threading.Thread(target=look), [threading.Thread(target=guarded, args=(n,)) for n in range(3)]
    for thread in (watcher, *setters):
        thread.start()
    for thread in setters:
        thread.join()
    ended.set()
    watcher.join()
    assert not wrong
    assert {path.read_bytes() for path in (tmp_path / "nodes").iterdir()} <= allowed - {b""}
    assert {path.name for path in (tmp_path / "nodes").iterdir()} == {f"{node}.ipxe" for node in ALIKE}
    with BootFiles(tmp_path) as files:
        for plan in choices[0]:
            files.apply(plan, files.scripts(plan.node))
        assert {bytes(files.scripts(plan.node).ipxe) for plan in choices[0]} == {choices[0][0].files["nodes/c1.ipxe"]}
        for node in ALIKE:
            files.apply(plan_offline(node), files.scripts(node))
    assert not list(tmp_path.glob("*/*"))
