"""sb shell on a real tree: nothing of it changes, what was changed is told, and a kept script makes it again."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from smallbuild import Small, processes
from waiting import until

from sbkernel.errors import BuildError, DefinitionError, LockedError, NotFoundError
from sbkernel.images.genimage import genimage
from sbkernel.images.layers.listing import listing
from sbkernel.images.shell import shell as shells
from sbkernel.images.shell.changes import Changes
from sbkernel.images.shell.shell import keep, shell
from sbkernel.images.sync import view

ROOT = Path(__file__).resolve().parents[3]
EVERYTHING = r"""
set -e
echo one > /etc/added
printf 'two\nwith "quotes" $HOME `x` \\ and\ttabs\nend of file\n' > /etc/text
chown 42:43 /etc/text; chmod 4750 /etc/text
printf 'no newline' > '/etc/-a name'
head -c 3000 /dev/urandom > /etc/binary
ln /etc/binary /etc/same
: > /etc/empty
mkdir -m 1770 /srv/deep; echo x > /srv/deep/file; chown -R 7:8 /srv/deep
ln -s ../nowhere /etc/link
mkfifo /etc/fifo
rm /etc/motd
rm -r /usr/share/doc/dpkg
chmod 600 /etc/issue
chown 5:6 /etc/issue.net
echo more >> /etc/debian_version
rm -r /opt; echo file > /opt
touch /usr/share/base-files/info.dir
echo noise > /var/log/noise
"""


def sb(site: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site), *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, **options)  # type: ignore[call-overload,no-any-return]


@contextmanager
def script(text: str) -> Iterator[int]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write(text)
    try:
        yield reading
    finally:
        os.close(reading)


def run(small: Small, text: str) -> Changes:
    with script(text) as stdin:
        left = shell(small.site, "small", ["/bin/sh"], stdin=stdin)
    assert left.status == 0
    return left.changes


def leftovers(small: Small) -> list[Path]:
    return list(small.tree.parent.glob(".shell-*"))


@pytest.fixture(scope="module")
def changes(small: Small) -> Changes:
    before = listing(small.tree, 2**40)
    found = run(small, EVERYTHING)
    assert listing(small.tree, 2**40) == before
    assert not leftovers(small)
    return found


def test_what_was_changed_is_told_and_nothing_else(changes: Changes) -> None:
    told = {one.path: one for one in changes.kept}
    assert told["etc/added"].content == b"one\n"
    assert (told["etc/text"].mode, told["etc/text"].uid, told["etc/text"].gid) == (0o4750, 42, 43)
    assert told["etc/same"].same == "etc/binary"
    assert told["etc/motd"].kind == told["usr/share/doc/dpkg"].kind == "removed"
    assert told["etc/issue"].parts == ("mode",)
    assert told["etc/issue"].content is None
    assert told["etc/debian_version"].parts == ("content",)
    assert told["opt"].parts == ("kind",)
    assert "usr/share/base-files/info.dir" not in told
    assert "var/log/noise" not in told
    assert changes.packages == ()
    text = str(changes)
    assert "- /etc/motd" in text
    assert "~ /etc/issue  (mode)" in text
    assert "1 more of packages, caches and logs" in text


def test_the_script_makes_the_same_tree_and_undo_takes_it_out(small: Small, changes: Changes, tmp_path: Path) -> None:
    plain = listing(small.tree, 1)
    place = keep(small.site, "small", changes, str(tmp_path / "kept.postinstall"))
    assert small.site.osimages["small"].get("postinstall") == str(place)
    genimage(small.site, "small")
    told = {one.path: one for one in changes.kept}
    tree = small.tree
    for path, one in told.items():
        if one.kind == "removed":
            assert not os.path.lexists(tree / path)
            continue
        status = (tree / path).lstat()
        assert (status.st_uid, status.st_gid) == (one.uid, one.gid), path
        assert one.type == "link" or status.st_mode & 0o7777 == one.mode, path
        if one.content is not None:
            assert (tree / path).read_bytes() == one.content, path
    assert (tree / "etc/same").samefile(tree / "etc/binary")
    assert (tree / "etc/link").readlink() == Path("../nowhere")
    assert (tree / "etc/fifo").is_fifo()
    now = listing(tree, 1)
    differs = {path for path in {*plain, *now} if plain.get(path) != now.get(path)}
    below = {path for path in differs if path not in told}
    assert all(any(path.startswith(f"{one}/") for one in told) for path in below), below
    assert genimage(small.site, "small")["built"] == []
    said = sb(small.site.root, "undo")
    assert said.returncode == 0, said.stderr
    assert small.site.osimages["small"].get("postinstall") == ""


def test_a_kept_change_leaves_nothing_to_change(small: Small, tmp_path: Path) -> None:
    text = "echo same > /etc/again; chmod 640 /etc/again; rm -f /etc/issue"
    place = keep(small.site, "small", run(small, text), str(tmp_path / "again.sh"))
    genimage(small.site, "small")
    assert not run(small, text)
    small.site.set("osimage", "small", postinstall=None)
    assert place.exists()


def test_where_no_overlay_can_be_a_copy_tells_the_same(
    small: Small, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "echo x > /etc/x; rm -r /usr/share/doc/dpkg; chmod 600 /etc/passwd; rm -r /home; mkdir /home; : > /home/y"
    overlay = run(small, text)
    monkeypatch.setattr(view, "_OPTIONS", "nonsense")
    assert run(small, text) == overlay
    assert [str(one) for one in overlay.kept] == [
        "~ /etc/passwd  (mode)", "+ /etc/x", "+ /home/y", "- /usr/share/doc/dpkg",
    ]  # fmt: skip


def test_packages_become_lines_of_the_pkglist(small: Small) -> None:
    gone = run(small, "dpkg --purge own-tool >&2; echo mine > /etc/mine")
    assert [str(one) for one in gone.packages] == ["- own-tool 1.0"]
    assert gone.lines == ("-own-tool",)
    assert [one.path for one in gone.kept] == ["etc/mine"]


def test_what_a_script_cannot_hold_is_said_and_nothing_is_written(small: Small, tmp_path: Path) -> None:
    place = tmp_path / "no.sh"
    large = run(small, "head -c 2000000 /dev/zero > /etc/large")
    with pytest.raises(BuildError, match=r"too large for a script, .*/etc/large \(2.0 MB\)") as caught:
        keep(small.site, "small", large, str(place))
    assert "synclist" in str(caught.value.hint)
    with pytest.raises(BuildError, match="nothing that a script could keep"):
        keep(small.site, "small", run(small, "true"), str(place))
    added = run(small, "echo x > /etc/x")
    place.touch()
    for name, said in ((str(place), "there already"), ("a b", "blanks and commas"), ("../x", "cannot be")):
        with pytest.raises(DefinitionError, match=said):
            keep(small.site, "small", added, name)
    assert small.site.osimages["small"].get("postinstall") == ""


def test_an_image_that_is_not_built_or_at_work(small: Small) -> None:
    small.site.set("osimage", "never", imagetype="linux", osvers="debian12", osarch="x86_64", profile="never")
    with pytest.raises(NotFoundError, match="has no root tree yet"):
        shell(small.site, "never")
    with script(f"kill -0 {os.getpid()} 2>/dev/null && exit 3; exit 4") as stdin:
        assert shell(small.site, "small", ["/bin/sh"], stdin=stdin).status in (3, 4)
    with shells.lock(small.tree.parent, "genimage"), pytest.raises(LockedError):
        shell(small.site, "small", ["true"])


def test_scripts_say_what_becomes_of_the_change(small: Small, tmp_path: Path) -> None:
    asked = sb(small.site.root, "shell", "small", "--", "true", stdin=subprocess.DEVNULL)
    assert asked.returncode
    assert "--keep FILE or --discard" in asked.stderr
    done = sb(small.site.root, "shell", "--discard", "small", input="echo hello; echo x > /etc/x; exit 5\n")
    assert (done.returncode, done.stdout) == (5, "hello\n")
    assert "+ /etc/x" in done.stderr
    place = tmp_path / "kept.sh"
    done = sb(
        small.site.root, "shell", "--keep", str(place), "small", "--", "touch", "/etc/y", stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    assert f"kept as {place}" in done.stderr
    assert small.site.osimages["small"].get("postinstall") == str(place)
    small.site.set("osimage", "small", postinstall=None)


def test_a_terminal_gets_a_shell_and_is_asked(small: Small, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(small.site.root), "shell", "small"]
        os.execv(sys.executable, argv)
    seen = bytearray()

    def shows(text: bytes) -> bool:
        try:
            seen.extend(os.read(terminal, 4096))
        except OSError:
            return text in seen
        return text in seen

    with closing(os.fdopen(terminal, "wb", buffering=0)) as keys:
        until(lambda: shows(b"# "), 120, seen=lambda: seen)
        keys.write(b"test -t 0 && echo it-is-$((40+2)) > /etc/from-a-terminal; sleep 1000\n")
        until(lambda: any("sleep" in one for one in processes(small.site)) or sleeping(), 60)
        keys.write(b"\x03")
        keys.write(b"exit\n")
        until(lambda: shows(b"postinstall script?"), 120, seen=lambda: seen)
        assert b"+ /etc/from-a-terminal" in seen
        keys.write(b"n\n")
        until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid or not shows(b"\0"), 120)
    assert not leftovers(small)


def sleeping() -> bool:
    found = (path / "cmdline" for path in Path("/proc").glob("[0-9]*"))
    return any(file.read_bytes() == b"sleep\x001000\x00" for file in found if file.exists())


def test_killed_it_leaves_nothing(small: Small) -> None:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", small.site.root, "shell", "--discard", "small"]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(b"echo x > /etc/x; head -c 1000000 /dev/zero > /usr/x; echo ready; sleep 1000\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"ready\n"
    assert leftovers(small)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not leftovers(small), 60)
    until(lambda: not processes(small.site), 60)
    assert str(small.tree.parent).replace(" ", "\\040") not in Path("/proc/self/mountinfo").read_text()
    assert not (small.tree / "etc/x").exists()
    assert run(small, "echo x > /etc/x")
