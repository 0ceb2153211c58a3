"""updatenode -F on nodes behind a real sshd: only what differs is sent, never elsewhere than the list says."""

import os
import stat
from pathlib import Path

import pytest
from fleet import Fleet, sb

from sbkernel.definitions.attributes import SITE
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.nodes.remote.syncfiles import syncfiles
from sbkernel.site import Site


@pytest.fixture
def source(site: Site, tmp_path: Path) -> Path:
    """The directory of what is sent; the osimage of all nodes has the list `list` in it."""
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "list").touch()
    site.set("osimage", "img", imagetype="linux", synclists=str(directory / "list"), environvar="WHERE=/etc/site")
    return directory


@pytest.fixture
def ready(nodes: Fleet, source: Path) -> Fleet:
    for name in ("n1", "n2", "n3"):
        nodes.site.set("node", name, provmethod="img")
    return nodes


def write(source: Path, text: str, **files: str) -> None:
    (source / "list").write_text(text.replace("SRC", str(source)))
    for name, content in files.items():
        (source / name.replace("_", ".")).write_text(content)


def send(fleet: Fleet, nodes: str = "n1") -> list[str]:
    """Send, and return what n1 says has changed."""
    return syncfiles(fleet.site, nodes).check()["n1"].output.splitlines()


def test_only_what_differs_is_sent(ready: Fleet, source: Path) -> None:
    (source / "deep/er").mkdir(parents=True)
    (source / "deep/er/file").write_text("deep")
    write(
        source, "SRC/motd -> /etc/motd\nSRC/one SRC/two -> $WHERE/\nSRC/deep -> /opt/\nSRC/one -> /etc/three\n",
        motd="hello\n", one="1", two="2",
    )  # fmt: skip
    (source / "two").chmod(0o640)
    os.utime(source / "motd", (1_000_000_000, 1_000_000_000))
    (ready.root / "etc/three").mkdir()
    assert sorted(send(ready)) == [
        "/etc/motd", "/etc/site/one", "/etc/site/two", "/etc/three/one", "/opt/deep", "/opt/deep/er",
        "/opt/deep/er/file",
    ]  # fmt: skip
    assert ready.text("/etc/motd") == "hello\n" and ready.text("/opt/deep/er/file") == "deep"
    status = (ready.root / "etc/site/two").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o640, 0)
    assert (ready.root / "etc/motd").stat().st_mtime == 1_000_000_000
    assert send(ready) == []
    (source / "motd").write_text("changed\n")
    (ready.root / "etc/site/two").chmod(0o644)
    assert send(ready) == ["/etc/motd"]
    assert stat.S_IMODE((ready.root / "etc/site/two").stat().st_mode) == 0o640, "modes are put right"
    assert not list(ready.root.rglob(".sbkernel-*")) and not list((ready.root / "tmp").iterdir())


def test_lines_for_some_nodes_and_scripts(ready: Fleet, source: Path) -> None:
    write(
        source,
        "SRC/a -> (n1) /etc/a\nSRC/b -> (n2,n3) /etc/b\nSRC/run -> /opt/run\nEXECUTE:\nSRC/a.post\nSRC/b.post\n"
        "EXECUTEALWAYS:\nSRC/run\n",
        a="a", b="b", run="#!/bin/sh\necho always\n", a_post="#!/bin/sh\necho a has changed\n", b_post="exit 1\n",
    )  # fmt: skip
    assert send(ready) == ["/etc/a", "/opt/run", "a has changed", "always"]
    assert send(ready) == ["always"]
    assert not (ready.root / "etc/b").exists()
    (source / "a.post").write_text("#!/bin/sh\necho no; exit 4\n")
    (source / "a").write_text("new")
    done = syncfiles(ready.site, "n1")["n1"]
    assert done.error == f"{source}/a.post: it ended with exit status 4" and "no" in done.output


def test_append_and_merge_are_done_once(ready: Fleet, source: Path) -> None:
    before = "127.0.0.1 localhost\n" * 5000
    (ready.root / "etc/hosts").write_text(before)
    (ready.root / "etc/hosts").chmod(0o600)
    write(
        source, "APPEND:\nSRC/hosts -> /etc/hosts\nMERGE:\nSRC/users -> /etc/passwd\n",
        hosts="10.0.0.1 mn\n", users="anna:x:7:7::/home/anna:/bin/sh\nbert:x:8:8::/:/bin/sh\n",
    )  # fmt: skip
    assert sorted(send(ready)) == ["/etc/hosts", "/etc/passwd"]
    assert send(ready) == []
    assert ready.text("/etc/hosts") == before + "10.0.0.1 mn\n"
    assert stat.S_IMODE((ready.root / "etc/hosts").stat().st_mode) == 0o600
    users = ready.text("/etc/passwd").splitlines()
    assert users == ["root:x:0:0::/root:/bin/sh", "anna:x:7:7::/home/anna:/bin/sh", "bert:x:8:8::/:/bin/sh"]
    (source / "hosts").write_text("10.0.0.2 other\n")
    assert send(ready) == ["/etc/hosts"]
    assert ready.text("/etc/hosts") == before + "10.0.0.2 other\n", "the original is kept"
    assert ready.text("/var/xcat/node/syncfiles/org/etc/hosts") == before


def test_what_packimage_has_appended_is_not_appended_again(ready: Fleet, source: Path) -> None:
    (ready.root / "etc/hosts").write_text("127.0.0.1 localhost\n10.0.0.1 mn\n")
    write(source, "APPEND:\nSRC/hosts -> /etc/hosts\n", hosts="10.0.0.1 mn\n")
    assert send(ready) == []


def test_links_are_replaced_and_not_followed(ready: Fleet, source: Path) -> None:
    (ready.root / "etc/precious").write_text("mine")
    (ready.root / "etc/motd").symlink_to("precious")
    write(source, "SRC/motd -> /etc/motd\n", motd="new")
    assert send(ready) == ["/etc/motd"]
    assert ready.text("/etc/precious") == "mine" and not (ready.root / "etc/motd").is_symlink()


def test_faults_of_nodes_are_theirs_and_those_of_lists_come_first(ready: Fleet, source: Path) -> None:
    write(source, "SRC/a -> /etc/a\n", a="a")
    (ready.root / "etc/a").mkdir()
    (ready.root / "etc/a/a").mkdir()
    ready.site.set("node", "n4", groups="all", vmsshport="1", provmethod="img")
    ready.site.set("node", "n5", groups="all")
    done = syncfiles(ready.site, "n1,n4,n5")
    assert "is a directory on it" in done["n1"].error and f"{source}/list:1" in done["n1"].error
    assert done["n4"].error.startswith("no ssh") and "has no osimage" in done["n5"].error
    write(source, "APPEND:\nSRC/a -> /etc/none\n")
    assert "it has no file /etc/none" in syncfiles(ready.site, "n1")["n1"].error
    for text, error in (("SRC/none -> /etc/x\n", ListFileError), ("SRC/a -> /etc/../x\n", ListFileError),
                        ("SRC/a -> (n99) /etc/x\n", NotFoundError), ("SRC/a -> x\n", ListFileError)):  # fmt: skip
        write(source, text)
        with pytest.raises(error):
            syncfiles(ready.site, "n1")
    assert not (ready.root / "etc/x").exists()


def test_a_full_disk_leaves_the_old_file(ready: Fleet, source: Path, tmp_path: Path) -> None:
    (ready.root / "etc/a").write_text("old")
    write(source, "SRC/a -> /etc/a\n", a="x" * 100_000)
    limits = ready.root / "usr/bin/cat"
    limits.unlink()
    limits.write_text('#!/bin/sh\nulimit -f 8\nexec busybox cat "$@"\n')
    limits.chmod(0o755)
    done = syncfiles(ready.site, "n1")["n1"]
    assert done.error == "/etc/a: cannot write it"
    assert ready.text("/etc/a") == "old" and [path.name for path in (ready.root / "etc").glob(".sb*")] == []


def test_the_command_line_says_what_xcat_says(ready: Fleet, source: Path) -> None:
    write(source, "SRC/a -> /etc/a\n", a="a")
    status, out, err = sb(ready.site, "updatenode", "n1-n2", "-F")
    assert (status, err) == (0, "") and "n1: /etc/a" in out
    assert out.splitlines()[-1] == 'File synchronization has completed for nodes: "n[1-2]"'
    other = source / "other"
    other.write_text(f"{source}/a -> /etc/b\n")
    assert sb(ready.site, "xdcp", "n1", "-F", str(other)) == (0, "n1: /etc/b\n", "")
    ready.site.set("site", SITE, nodesyncfiledir="relative")
    with pytest.raises(Exception, match="nodesyncfiledir=relative"):
        sb(ready.site, "updatenode", "n1", "-F")
