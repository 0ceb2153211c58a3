"""What counts as the same work: packages, paths, values, sizes."""

from pathlib import Path

import pytest

from sbkernel.bench.build import APART, same_work
from sbkernel.bench.pack import left_out
from sbkernel.bench.peers.cpio import with_parents
from sbkernel.bench.samework import (
    about_as_small,
    all_needed,
    installed_packages,
    same_packages,
    same_paths,
    same_value,
)
from sbkernel.images.rootimgdir import RootimgDir

OURS = {
    "libc6": "",
    "bash": "libc6 (>= 2.36)",
    "linux-image": "kmod, initramfs-tools | linux-initramfs-tool",
    "kmod": "",
}
PEER = OURS | {
    "init": "usrmerge | usr-is-merged",
    "usrmerge": "perl:any, libc6",
    "perl": "libc6, perl-base (= 5)",
    "perl-base": "",
    "initramfs-tools": "cpio",
    "cpio": "libc6",
}
ASKED = ["bash", "linux-image"]


def status(packages: dict[str, str], **versions: str) -> str:
    paragraphs = [
        f"Package: {name}\nStatus: install ok installed\nVersion: {versions.get(name, '1')}\nDepends: {needs}\n"
        for name, needs in packages.items()
    ]
    return "\n".join([*paragraphs, "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"])


def check(ours: dict[str, str], peer: dict[str, str], **versions: str) -> tuple[bool, str]:
    found = same_packages(ASKED, installed_packages(status(ours)), installed_packages(status(peer, **versions)), APART)
    return found.ok, found.found


def test_a_package_that_was_removed_is_not_installed() -> None:
    assert set(installed_packages(status(OURS))) == set(OURS)


def test_a_closure_follows_alternatives_and_stops_at_barred_names() -> None:
    packages = installed_packages(status(PEER))
    assert all_needed(packages, ["usrmerge"]) == {"usrmerge", "perl", "perl-base", "libc6"}
    assert all_needed(packages, ["linux-image"], {"initramfs-tools"}) == {"linux-image", "kmod"}
    assert all_needed(packages, ["unknown"]) == set()


def test_the_same_lists_are_alike() -> None:
    assert check(OURS, OURS)[0]


def test_usrmerge_the_initrd_and_what_only_they_need_may_differ() -> None:
    peer = {name: needs for name, needs in PEER.items() if name != "init"}
    ok, found = check(OURS, peer)
    assert ok, found
    assert "perl" in found


def test_a_package_more_on_either_side_is_other_work() -> None:
    assert not check(OURS, OURS | {"vim": ""})[0]
    ok, found = check(OURS | {"vim": ""}, OURS)
    assert not ok
    assert "vim" in found


def test_another_version_is_other_work() -> None:
    ok, found = check(OURS, OURS, bash="2")
    assert not ok
    assert "bash" in found


def test_what_the_list_needs_is_not_excused_because_usrmerge_needs_it_too() -> None:
    ours = OURS | {"bash": "libc6, perl"}
    peer = {name: needs for name, needs in PEER.items() if name != "init"} | {"bash": "libc6, perl"}
    ok, found = check(ours, peer)
    assert not ok
    assert "perl" in found


def test_two_empty_trees_prove_nothing() -> None:
    assert not same_packages(ASKED, {}, {}, APART).ok


def test_a_peer_that_made_no_initrd_did_not_do_the_work(tmp_path: Path) -> None:
    ours, peer = RootimgDir(tmp_path / "ours"), tmp_path / "peer"
    for tree in (ours.tree, peer):
        (tree / "var/lib/dpkg").mkdir(parents=True)
        (tree / "boot").mkdir()
        (tree / "var/lib/dpkg/status").write_text(status(OURS))
        (tree / "boot/vmlinuz-6.1").write_bytes(b"kernel")
    ours.kernel.write_bytes(b"kernel")
    ours.initrd.write_bytes(b"initrd")
    (peer / "boot/initrd.img-6.1").write_bytes(b"")
    assert [check.ok for check in same_work(ASKED, ours, peer)] == [True, False]
    (peer / "boot/initrd.img-6.1").write_bytes(b"initrd")
    assert [check.ok for check in same_work(ASKED, ours, peer)] == [True, True]


def test_lists_of_files_must_be_equal() -> None:
    assert same_paths({"etc", "etc/fstab"}, {"etc", "etc/fstab"}).ok
    assert not same_paths({"etc"}, {"etc", "etc/fstab"}).ok
    assert not same_paths({"etc", "etc/fstab"}, {"etc"}).ok
    assert not same_paths(set(), set()).ok


def test_a_value_that_is_missing_on_both_sides_is_not_the_same() -> None:
    assert same_value("kernel", "6.1", "6.1").ok
    assert not same_value("kernel", "6.1", "6.2").ok
    assert not same_value("kernel", "", "").ok


@pytest.mark.parametrize(
    ("ours", "peer", "ok"), [(110, 100, True), (50, 100, True), (111, 100, False), (0, 100, False)]
)
def test_time_must_not_be_bought_with_size(ours: int, peer: int, ok: bool) -> None:
    assert about_as_small(ours, peer).ok is ok


def test_paths_lead_through_their_parents() -> None:
    assert with_parents([".", "./usr/share/doc/x", "etc"]) == {
        "usr",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/x",
        "etc",
    }


def test_only_the_topmost_paths_are_left_out() -> None:
    paths = [".", "./usr", "./usr/doc", "./usr/doc/a", "./usr/doc/b", "./etc"]
    assert left_out(paths, {"usr", "etc"}) == ["usr/doc"]
    assert left_out(paths, {"usr", "etc", "usr/doc", "usr/doc/b"}) == ["usr/doc/a"]
