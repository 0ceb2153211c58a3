"""Decisions of the initrd's stages, in the shell that it has, without a machine."""

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "initrd"


def run(text: str) -> str:
    """Run shell text after the functions of the initrd; `mount` and `fail` only say what they are asked."""
    before = f'set -uf\n. "{SCRIPTS}/words.sh"\n. "{SCRIPTS}/stages.sh"\nfail() {{ echo "failed: $1"; exit 1; }}\n'
    done = subprocess.run(["busybox", "sh", "-c", before + text], capture_output=True, text=True)
    return done.stdout.strip() + done.stderr


@pytest.mark.parametrize(
    ("url", "needs"),
    [
        ("http://boot.tar.example/catalog/1/root.squashfs", "squashfs overlay"),
        ("http://a.cpio.gz.example:80/c.tar.d/root.squashfs?a=/x.tar.gz", "squashfs overlay"),
        ("http://h/catalog/1/root.cpio.zst", ""),
        ("http://a.cpio.b/catalog/1/root.tar.gz?again", ""),
    ],
)
def test_only_the_name_of_the_file_says_that_it_is_an_archive(url: str, needs: str) -> None:
    assert run(f"url='{url}'\nfilesystems") == needs


def test_unpacking_is_told_the_name_alone() -> None:
    assert run("url='http://a.cpio.b/1/root.tar.gz?x'\nroot_name") == "root.tar.gz"


def test_a_limit_that_is_no_size_stops_the_boot() -> None:
    """Without it the node's own files would go to /run, and the node would be full as soon as it writes."""
    refuse = 'mount() { case "$*" in *size=lots*) return 1 ;; esac; }\nmkdir() { :; }\n'
    assert run(f"{refuse}command_line='rootlimit=lots'\nmount_squashfs") == "failed: the root cannot have the size lots"
    assert run(f"{refuse}command_line='rootlimit=50%'\nmount_squashfs") == ""
