"""What a node tells about its packages over ssh is what its own files say; whom ssh trusts."""

import os
import shutil
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from sbkernel.errors import NodeError
from sbkernel.images import manifests as local
from sbkernel.netboot import bootlog
from sbkernel.nodes import node_manifest
from sbkernel.nodes.ssh import address, argv, known_host, ssh
from sbkernel.site import Site

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF0yMfK0KBJiBFmW3zvjtR"
HISTORY = """
    CREATE TABLE rpm (item_id, name, arch); CREATE TABLE repo (id, repoid);
    CREATE TABLE trans_item (id, item_id, repo_id, reason, state);
    INSERT INTO rpm VALUES (1, 'tool', 'noarch'); INSERT INTO repo VALUES (1, 'own');
    INSERT INTO trans_item VALUES (1, 1, 1, 2, 1);
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    site.set("node", "n1", ip="10.0.0.9")
    site.set("node", "v1", vmsshport="2022", vmhost="local")
    return site


def run_here(**environment: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-s"], input=node_manifest.script(), capture_output=True, text=True, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )  # fmt: skip
    return done.stdout


def test_a_node_of_dpkg_tells_what_its_files_say() -> None:
    told = node_manifest.read(run_here(), "n1", 1)
    read = local.of_tree(Path("/"))
    assert [p._replace(origin="", sha256="") for p in read] == list(told)
    assert (told.kind, told.name, told.made, told.release) == ("node", "n1", 1, read.release)


def test_a_node_of_rpm_tells_its_packages_and_reasons(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "cat", "base64"):
        (programs / name).symlink_to(shutil.which(name) or "")
    packages = [("kernel", "5.14-1", "x86_64"), ("kernel", "5.14-2", "x86_64"), ("tool", "1:2-3", "noarch")]
    rows = "".join("\x1f".join([*row, "7", *[""] * 8]) + "\x1e" for row in packages)
    (programs / "rpm").write_text(f"#!/bin/sh\nprintf '%s' '{rows}'\n")
    (programs / "rpm").chmod(0o755)
    told = node_manifest.read(run_here(PATH=str(programs)), "n1", 1)
    assert [str(p) for p in told] == ["kernel=5.14-1:x86_64", "kernel=5.14-2:x86_64", "tool=1:2-3:noarch"]


def test_the_history_of_dnf_travels_whole(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        connection.executescript(HISTORY)
    packed = subprocess.run(["base64", tmp_path / "history.sqlite"], capture_output=True, text=True, check=True).stdout
    row = "\x1f".join(["tool", "1-1", "noarch", "7", *[""] * 8]) + "\x1e"
    (tool,) = node_manifest.read(f"\x1drpm\n{row}\x1dhistory.sqlite\n{packed}\x1dend\n", "n1", 1)
    assert (tool.explicit, tool.origin) == (True, "own")
    (tool,) = node_manifest.read(f"\x1drpm\n{row}\x1dhistory.sqlite\nno base64\x1dend\n", "n1", 1)
    assert (tool.explicit, tool.origin) == (None, "")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "n1: the list of its packages broke off"),
        ("\x1ddpkg\nPackage: a\n", "n1: the list of its packages broke off"),
        ("\x1dos-release\nID=alpine\n\x1dend\n", "n1: it has neither dpkg nor rpm"),
    ],
)
def test_what_is_no_list_of_packages_is_an_error_of_the_node(output: str, said: str) -> None:
    with pytest.raises(NodeError, match=said):
        node_manifest.read(output, "n1", 1)


def test_where_nodes_listen(site: Site) -> None:
    assert address(site, "v1") == ("127.0.0.1", 2022)
    assert address(site, "n1") == ("10.0.0.9", 22)
    site.set("node", "v1", vmnics="br0")
    assert address(site, "v1") == ("v1", 22)


def test_only_the_key_that_the_node_reported_is_trusted(site: Site) -> None:
    assert known_host(site, "n1", "10.0.0.9", 22) == ""
    bootlog.append(site, "n1", "userspace", hostkey="ssh-ed25519 AAAA\n* ssh-rsa BBBB")
    assert known_host(site, "n1", "10.0.0.9", 22) == "", "what is no key is not written into a file that ssh reads"
    bootlog.append(site, "n1", "userspace", hostkey=KEY)
    assert known_host(site, "n1", "10.0.0.9", 22) == f"[10.0.0.9]:22 {KEY}\n10.0.0.9 {KEY}\n"
    words = argv(Path("/key"), Path("/known"), "10.0.0.9", 22)
    assert "StrictHostKeyChecking=yes" in words and "UserKnownHostsFile=/known ~/.ssh/known_hosts" in words


def test_a_node_that_does_not_answer_is_named_with_the_reason(site: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site.set("node", "v1", vmsshport=str(unused.getsockname()[1]))
        with pytest.raises(NodeError, match=r"^v1: no ssh: .*Connection refused\n  does it run.* sb nodestat v1"):
            ssh(site, "v1", "true")
