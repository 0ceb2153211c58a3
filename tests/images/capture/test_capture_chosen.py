"""What of a root is captured, by its paths alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError, NodeError
from sbkernel.images.capture.captured import ChangedFile, changes
from sbkernel.images.capture.chosen import BY_LIST, Choice, choose, remarks
from sbkernel.images.capture.fstab import stateless
from sbkernel.images.capture.identity import BROUGHT, IDENTITY, Identity
from sbkernel.images.capture.kernel import _lost
from sbkernel.images.capture.look import Entry, Look, Mounted, read, script
from sbkernel.images.capture.osvers import check, osvers_of
from sbkernel.lists.exlist import Exlist
from sbkernel.netboot import overlay
from sbkernel.packages.release import Release

HEAD = b"machine=x86_64\0kernel=6.1\0release=ID=debian\nVERSION_ID=12\0boot=node=n1\nserver=x\nimage=abcd\0"
MOUNTS = rb"""mounts=30 1 0:24 / / rw - overlay root rw
24 30 0:21 / /run rw shared:2 - tmpfs run rw
60 30 8:1 / /srv/with\040blank rw - ext4 /dev/sda1 rw
61 30 8:2 / /boot rw - ext4 /dev/sda2 rw
62 30 0:9 / /home rw - nfs4 server:/home rw"""


def output(*entries: bytes) -> bytes:
    return HEAD + MOUNTS + b"\0files=\0" + b"".join(entry + b"\0" for entry in entries) + b"end=\0"


def look(*entries: Entry) -> Look:
    mounts = (Mounted("/", "overlay"), Mounted("/boot", "ext4"), Mounted("/run", "tmpfs"), Mounted("/home", "nfs4"))
    return Look("x86_64", "6.1", Release("debian", "12"), "", mounts, entries)


@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name), min_size=1))
def test_any_name_is_read_and_sent_as_it_is(names: list[bytes]) -> None:
    found = read(output(*(b"f 8:%d 5 8 1700000000.25 ./" % number + name for number, name in enumerate(names))), "n1")
    chosen = choose(look(*found.entries), Exlist(), (), ())
    kept = {one for one in names if not Choice(Exlist(), (), ("/boot", "/run", "/home")).why_not(_text(b"./" + one))}
    assert set(chosen.names.split(b"\0")[:-1]) == {b"./" + one for one in kept}
    assert {(one.size, one.disk, one.mtime) for one in found.entries} == {(5, 4096, 1700000000.25)}


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def test_what_a_node_says_of_itself() -> None:
    found = read(output(b"d 0:1 0 0 1.5 ."), "n1")
    assert (found.machine, found.kernel, found.release.id, found.booted) == ("x86_64", "6.1", "debian", "abcd")
    assert Mounted("/srv/with blank", "ext4") in found.mounts
    assert [one.point for one in found.not_crossed(["/boot"])] == ["/srv/with blank", "/home"]
    assert script(["/boot", "/it's"]).startswith("set -- ./boot './it'\"'\"'s'\n")
    for broken in (b"", output(b"d 0:1 0 0 1.5 .")[:-1], b"bash: welcome\n"):
        with pytest.raises(NodeError, match="n1: the list of its files broke off"):
            read(broken, "n1")
    with pytest.raises(NodeError, match="n1: it lacks tar\n"):
        read(b"missing=tar\0" + output(b"d 0:1 0 0 1.5 ."), "n1")
    with pytest.raises(NodeError, match="n1: it lacks a find that knows -printf"):
        read(output(), "n1")


def test_every_pattern_of_the_table_matches_something_and_directories_stay() -> None:
    identity = Identity(overlay.paths())
    for trace in IDENTITY:
        for pattern in trace.patterns:
            path = pattern.replace("[!b]", "x").replace("[!l]", "x").replace("[!o]", "x").replace("*", "x")
            assert identity.trace(path), pattern
            assert bool(identity.trace(path, directory=True)) is trace.directories, pattern
    assert identity.trace("./etc/ssh/sshd_config") == ""
    assert identity.trace("./etc/sysconfig/network-scripts/ifcfg-lo") == ""
    assert identity.trace("./root/.bashrc") == ""
    for path in overlay.paths():
        assert identity.trace(f"./{path}"), path
    assert identity.trace("./usr/lib/sbkernel/report") == BROUGHT


def test_mounts_lists_and_parents() -> None:
    entries = [
        Entry(".", "d"), Entry("./boot", "d"), Entry("./boot/vmlinuz", "f", "1", 7, 4096), Entry("./opt", "d"),
        Entry("./opt/a", "d"), Entry("./opt/a/kept", "f", "2", 5, 4096), Entry("./opt/b", "f", "3", 9, 0),
        Entry("./opt/name", "f", "2", 5, 4096), Entry("./run", "d"), Entry("./run/x", "f", "4", 1, 1),
        Entry("./dev/null", "c"),
    ]  # fmt: skip
    listed = Exlist(("./opt*",), ("./opt/a/kept", "./opt/name"))
    chosen = choose(look(*entries), listed, (), ())
    assert [one.path for one in chosen.entries] == [
        ".", "./boot", "./opt", "./opt/a", "./opt/a/kept", "./opt/name", "./run",
    ]  # fmt: skip
    assert (len(chosen.files), chosen.size, chosen.disk) == (1, 5, 5), "a file with two names counts once"
    assert chosen.left_out == {"what is mounted on it": 2, BY_LIST: 3, "sockets, pipes and devices": 1}
    assert "./boot/vmlinuz" in [one.path for one in choose(look(*entries), listed, (), ("/boot",)).entries]
    assert remarks(look(*entries), chosen, ()) == [
        "not crossed: /boot (ext4); --mount /boot takes it", "not crossed: /home (nfs4); --mount /home takes it",
    ]  # fmt: skip


def test_disks_leave_the_fstab() -> None:
    default = "proc /proc proc defaults 0 0\ncompute / tmpfs rw 0 1\n"
    text, gone = stateless("LABEL=x / xfs rw 0 1\nPARTUUID=1 /boot ext4 rw 0 2\n/x\\040y /b none bind 0 0\n", default)
    assert [line.split()[:3] for line in text.splitlines()] == [
        ["/x\\040y", "/b", "none"], ["proc", "/proc", "proc"], ["compute", "/", "tmpfs"],
    ]  # fmt: skip
    assert gone == ["LABEL=x on /", "PARTUUID=1 on /boot"]
    assert [line.split()[1] for line in stateless("", default)[0].splitlines()] == ["/proc", "/"]


@pytest.mark.parametrize(
    ("osvers", "release", "fits"),
    [
        ("debian12", ("debian", "12"), True), ("debian12.5", ("debian", "12"), True),
        ("debian13", ("debian", "12"), False), ("rocky9.4", ("rocky", "9.4"), True),
        ("rocky9", ("rocky", "9.4"), True), ("rocky9.4-lab", ("rocky", "9.4"), True),
        ("rocky9.3", ("rocky", "9.4"), False), ("alma9.4", ("rocky", "9.4"), False),
        ("rhels9.4", ("rhel", "9.4"), True), ("centos-stream9", ("centos", "9"), True),
        ("sles15.6", ("sles", "15.6"), True), ("leap15.6", ("opensuse-leap", "15.6"), True),
        ("ubuntu24.04.1", ("ubuntu", "24.04"), True), ("debian12", ("debian", ""), True),
    ],
)  # fmt: skip
def test_which_osvers_is_what_a_node_runs(osvers: str, release: tuple[str, str], fits: bool) -> None:
    attributes = {"osvers": osvers, "osarch": "ppc64el"}
    if fits:
        check("img", attributes, Release(*release), "ppc64le")
    else:
        with pytest.raises(BuildError, match="doesn't match the node's attribute"):
            check("img", attributes, Release(*release), "ppc64le")
    with pytest.raises(BuildError, match="doesn't match the node's attribute"):
        check("img", attributes, Release(*release), "x86_64")


def test_a_distribution_that_is_not_known() -> None:
    with pytest.raises(BuildError, match="the node runs Alpine: no image can be made of that"):
        osvers_of(Release("alpine", "3.20", "Alpine"))


def test_what_had_changed_since_the_boot() -> None:
    after = [Entry("./a", "f", "1", 5, 0, 10.0), Entry("./b", "f", "2", 5, 0, 99.0), Entry("./c", "f", "3", 1)]
    before = {"a": 5, "b": 5, "gone": 3, "out": 4}
    assert changes(before, 50.0, after, lambda path: "listed" if path == "./out" else "") == (
        ChangedFile("changed", "b", 5, 5), ChangedFile("added", "c", 0, 1), ChangedFile("removed", "gone", 3, 0),
    )  # fmt: skip


def test_modules_that_an_exlist_had_left_out(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/sfc.ko.xz").touch()
    dep = "kernel/sfc.ko.xz: kernel/mtd.ko.xz kernel/i2c.ko.xz\nkernel/mtd.ko.xz:\nkernel/i2c.ko.xz:\n"
    assert dict(_lost(tmp_path, dep)) == {"kernel/mtd.ko.xz": ["sfc"], "kernel/i2c.ko.xz": ["sfc"]}
