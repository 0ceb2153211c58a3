"""EXECUTE: and EXECUTEALWAYS: when an image is packed, and what a kill, an odd file system or a plain user changes."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from ordinaryuser import as_user, home
from smallbuild import Recorder
from test_packimage import IMAGE, listing
from test_packimage_sync import built, everything, files, listed, site, unpacked
from waiting import until

from sbkernel.errors import ListFileError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.jobs import job
from sbkernel.site import Site

__all__ = ["built", "files", "home", "listed", "site"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def busy(built: Path) -> Path:
    """A tree in which scripts run."""
    for name in ("proc", "sys", "dev", "run"):
        (built / name).mkdir(exist_ok=True)
    shutil.copyfile("/bin/busybox", built / "usr/bin/busybox")
    (built / "usr/bin/busybox").chmod(0o755)
    for name in ("sh", "env", "cat", "chmod", "echo", "ls", "rm", "id", "sleep", "true"):
        (built / "usr/bin" / name).symlink_to("busybox")
    return built


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")


def test_scripts_run_in_the_image_when_their_file_is_new_there(
    site: Site, busy: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    script(files / "motd.post", 'echo "$(cat /etc/motd) $0 $(id -u)" >/etc/motd.ran; cat /proc/net/dev >/etc/net')
    script(files / "a.conf.post", "echo never >/etc/a.ran")
    script(files / "always", "rm -r /etc/ssh; echo again >>/var/always; sleep 1000 &\necho said by the script")
    (busy / "etc/a.conf").write_text("a.conf\n")
    path = listed(
        "F/motd -> /etc/motd", "F/a.conf -> /etc/a.conf", "F/always -> /opt/always", "F/b.conf -> (n1) /etc/b",
        "EXECUTE:", "F/motd.post", "F/a.conf.post", "F/b.conf.post", "F/deep.post",
        "EXECUTEALWAYS:", "F/always",
    )  # fmt: skip
    before, report = everything(busy), Recorder()
    first = packimage(site, IMAGE, report=report)
    out = unpacked(site, tmp_path)
    assert (out / "etc/motd.ran").read_text() == "motd /tmp/motd.post 0\n"
    counters = [line.partition(":")[2].split() for line in (out / "etc/net").read_text().splitlines()[2:]]
    assert counters and not any(int(one[0]) for one in counters), "it has no network"
    assert not (out / "etc/a.ran").exists() and not (out / "etc/ssh").exists()
    assert (out / "var/always").read_text() == "again\n"
    assert everything(busy) == before
    assert not (out / "tmp/motd.post").exists() and not (out / "proc/1").exists()
    for line in (
        "said by the script",
        f"{files}/a.conf.post does not run: the image has {files}/a.conf already",
        f"{path}:8: kept for boot: {files}/b.conf is only for some nodes",
        f"{path}:9: {files}/deep.post never runs: no line copies {files}/deep",
        f"{path}:11: {files}/always runs now, and is kept for boot, as it is to run always",
    ):
        assert line in report.lines
    kept = Catalog(site).get(first["digest"]).syncfiles
    assert [(one["clause"], one["sources"][0].rpartition("/")[2]) for one in kept] == [
        ("", "b.conf"), ("EXECUTE", "b.conf.post"), ("EXECUTEALWAYS", "always"),
    ]  # fmt: skip
    os.utime(files / "motd.post", (2_000_000_000, 2_000_000_000))
    assert packimage(site, IMAGE)["cached"]
    again = packimage(site, IMAGE, force=True)
    assert again["root_sha256"] == first["root_sha256"], "when a script was written makes no difference"
    script(files / "always", "rm -r /etc/ssh; echo more >>/var/always")
    assert not packimage(site, IMAGE)["cached"]


def test_a_script_that_fails_is_named_and_nothing_is_left(
    site: Site, busy: Path, files: Path, listed: Callable[..., Path]
) -> None:
    script(files / "motd", "echo it is broken >&2; exit 3")
    listed("F/motd -> /etc/motd", "EXECUTEALWAYS:", "F/motd")
    with pytest.raises(ListFileError, match=r"list:3: .*/motd failed in the image:\n.*it is broken"):
        packimage(site, IMAGE)
    assert_nothing_is_left(site, busy)


def test_a_script_that_is_to_run_and_is_missing_is_named(site: Site, files: Path, listed: Callable[..., Path]) -> None:
    listed("F/motd -> /etc/motd", "EXECUTE:", "F/motd.post")
    with pytest.raises(ListFileError, match=r"list:3: .*/motd.post is no file that can be read"):
        packimage(site, IMAGE)


def assert_nothing_is_left(site: Site, tree: Path) -> None:
    assert not (tree.parent / ".sync").exists() and Catalog(site).versions() == []
    assert str(tree.parent) not in Path("/proc/self/mountinfo").read_text()
    assert list(site.catalog.glob(".tmp-*")) == []


def test_killed_while_a_script_runs_nothing_is_mounted_and_the_next_run_begins_anew(
    site: Site, busy: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    flag = files / "flag"
    script(files / "motd", "echo half >/etc/half; sleep 987")
    listed("F/motd -> /etc/motd", "EXECUTEALWAYS:", "F/motd")
    before = everything(busy)
    process = packing(site)
    place = busy.parent / ".sync"
    until(lambda: (place / "upper/etc/half").exists())
    process.kill()
    process.wait()
    until(lambda: b"sleep\x00987" not in b"".join(commands()))
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text() and everything(busy) == before
    assert place.exists(), "nobody was left to remove it"
    script(files / "motd", "true")
    assert not flag.exists()
    packimage(site, IMAGE)
    assert "/etc/half" not in listing(Catalog(site).current(IMAGE).root) and not place.exists()


def test_cancelled_nothing_is_left(site: Site, busy: Path, files: Path, listed: Callable[..., Path]) -> None:
    script(files / "motd", "echo half >/etc/half; sleep 986")
    listed("F/motd -> /etc/motd", "EXECUTEALWAYS:", "F/motd")
    running = job.start(site, "packimage", "sbkernel.images.packimage:packimage", image=IMAGE)
    until(lambda: (busy.parent / ".sync/upper/etc/half").exists())
    running.cancel()
    until(lambda: running.done)
    assert running.state == "cancelled"
    until(lambda: b"sleep\x00986" not in b"".join(commands()))
    assert_nothing_is_left(site, busy)


def packing(site: Site, *before: str) -> "subprocess.Popen[str]":
    code = (
        "import sys; from sbkernel.site import Site; from sbkernel.images.packimage import packimage\n"
        "from sbkernel.jobs.report import NullReport\n"
        "class Say(NullReport):\n    def log(self, line): print(line, flush=True)\n"
        f"with Site.open(sys.argv[1]) as site: packimage(site, {IMAGE!r}, report=Say())"
    )
    argv = [*before, sys.executable, "-c", code, str(site.root)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def commands() -> list[bytes]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def test_where_no_overlay_can_be_the_tree_is_copied(
    site: Site, busy: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    script(files / "always", "rm -r /etc/ssh; echo again >/var/always")
    listed("F/motd -> /etc/motd", "F/always -> /opt/always", "EXECUTEALWAYS:", "F/always")
    wanted = packimage(site, IMAGE)
    # A directory with an overlay on it holds the changes of no other overlay (fs/overlayfs).
    here = busy.parent
    for name in ("lower", "upper", "work"):
        (tmp_path / "fs" / name).mkdir(parents=True)
    subprocess.run(["cp", "-a", f"{here}/.", tmp_path / "fs/lower"], check=True)
    shutil.rmtree(site.catalog)
    layers = "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work".format(tmp_path / "fs")
    mounted = ["unshare", "--mount", "sh", "-c", f'mount -t overlay none -o {layers} {here} && exec "$@"', "sh"]
    process = packing(site, *mounted)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the tree is copied" in said, said
    assert Catalog(site).current(IMAGE).root_sha256 == wanted["root_sha256"], "both ways give the same bytes"
    assert not (tmp_path / "fs/upper/.sync").exists()


def test_a_full_disk_is_said_as_such_and_nothing_is_left(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    (files / "large").write_bytes(os.urandom(8 << 20))
    listed("F/motd -> /etc/motd", "F/large -> /opt/large")
    here, copy = built.parent, tmp_path / "copy"
    subprocess.run(["cp", "-a", here, copy], check=True)
    small = f'mount -t tmpfs -o size=4m none {here} && cp -a {copy}/. {here} && "$@"; ls -A {here}'
    process = packing(site, "unshare", "--mount", "sh", "-c", small, "sh")
    said, _ = process.communicate(timeout=60)
    assert f"sync files: no space left on the disk of {here}" in said
    assert said.splitlines()[-4:] == ["initrd-stateless.gz", "kernel", "plan.json", "rootimg"]
    assert Catalog(site).versions() == []


def test_an_ordinary_user_packs_synclists_over_a_tree_of_his_subordinate_ids(home: Path) -> None:
    code = textwrap.dedent("""
        import json, os, pathlib, shutil, subprocess
        from sbkernel.images.catalog.catalog import Catalog
        from sbkernel.images.packimage import packimage
        from sbkernel.jobs.run import run
        from sbkernel.site import Site
        home = pathlib.Path.home()
        tree = home / "built/rootimg"
        for name in ("etc/ssh", "usr/bin", "proc", "sys", "dev", "run", "tmp", "srv", "root"):
            (tree / name).mkdir(parents=True)
        for name in ("kernel", "initrd-stateless.gz"):
            (home / "built" / name).touch()
        (home / "built/plan.json").write_text(json.dumps({"steps": {}}))
        (tree / "bin").symlink_to("usr/bin")
        shutil.copy("/bin/busybox", tree / "usr/bin/busybox")
        for name in ("sh", "env", "cat", "chmod", "rm", "chown"):
            (tree / "usr/bin" / name).symlink_to("busybox")
        (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\\nmunge:x:998:997::/:/bin/false\\n")
        (tree / "etc/shadow").write_text("root:*:1::::::\\n")
        run(["sh", "-c", 'chown 998:997 "$1/srv" && chmod 700 "$1/srv" "$1/root" && chmod 600 "$1/etc/shadow"', "sh",
             str(tree)], isolated=True)
        (home / "motd").write_text("motd\\n")
        (home / "pw").write_text("alice:*:1::::::\\n")
        (home / "always").write_text("#!/bin/sh\\nrm -r /etc/ssh; chown munge /etc/motd; cat /etc/motd >/srv/ran\\n")
        f = home
        (home / "list").write_text(f"{f}/motd -> /etc/motd\\n{f}/motd -> /srv/inside\\n{f}/always -> /opt/\\n"
            f"EXECUTEALWAYS:\\n{f}/always\\nMERGE:\\n{f}/pw -> /etc/shadow\\n")
        with Site.open(home / "site") as site:
            site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
                     imagetype="linux", rootimgdir=str(home / "built"), pkglist="/dev/null",
                     synclists=str(home / "list"))
            first, second = packimage(site, "img"), packimage(site, "img")
            root = Catalog(site).current("img").root
            text = subprocess.run(["unsquashfs", "-lln", "-d", "", root], capture_output=True, text=True).stdout
            shadow = subprocess.run(["unsquashfs", "-cat", root, "etc/shadow"], capture_output=True, text=True).stdout
            left = [str(path) for path in (home / "built").glob(".sync*")]
        print(json.dumps([first["cached"], second["cached"], text, shadow, left]))
    """)
    first, second, text, shadow, left = json.loads(as_user(home, "-c", code).splitlines()[-1])
    assert (first, second, left) == (False, True, [])
    lines = [line.split() for line in text.splitlines()]
    owners = {words[5]: words[1] for words in lines if len(words) > 5}
    assert (owners["/etc/motd"], owners["/srv/inside"], owners["/srv"]) == ("998/0", "0/0", "998/997")
    assert owners["/srv/ran"] == "0/0" and "/etc/ssh" not in owners
    assert shadow == "root:*:1::::::\nalice:*:1::::::\n"


def test_nobody_else_can_read_what_is_being_laid(
    site: Site, files: Path, listed: Callable[..., Path], built: Path
) -> None:
    listed("F/motd -> /etc/motd")
    modes: list[int] = []

    class Looks(Recorder):
        def progress(self, done: int, total: int | None = None, text: str = "") -> None:
            modes.append((built.parent / ".sync").stat().st_mode & 0o777)

    os.umask(0o022)
    packimage(site, IMAGE, report=Looks())
    assert set(modes) == {0o700}
