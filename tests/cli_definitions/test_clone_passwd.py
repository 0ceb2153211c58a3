"""sb clone and sb passwd; a password is never on the command line, never shown, root's never kept in clear."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.site import Site

COMPUTE = "debian12-x86_64-netboot-compute"
ROOT = Path(__file__).resolve().parents[2]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF0yMfK0KBJiBFmW3zvjtR alice@desk"


def sb(where: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from sbkernel.cli.main import main; main()", "--site", str(where), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_clone_says_what_it_made(tmp_path: Path) -> None:
    done = sb(tmp_path, "clone", COMPUTE, "mycomputeimage")
    assert done.returncode == 0
    assert f"osimage mycomputeimage made from {COMPUTE}\n" in done.stdout
    assert f"    pkglist={tmp_path}/install/custom/netboot/debian/mycomputeimage.pkglist\n" in done.stdout
    again = sb(tmp_path, "clone", COMPUTE, "mycomputeimage")
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert "Traceback" not in sb(tmp_path, "clone", COMPUTE, "../../etc/x").stderr


def test_root_password_is_kept_as_a_hash(tmp_path: Path) -> None:
    assert sb(tmp_path, "passwd", "system", "--stdin", stdin="hush\n").returncode == 0
    assert b"hush" not in b"".join(file.read_bytes() for file in tmp_path.glob("site.db*"))
    with Site.open(tmp_path) as site:
        hashed = site.root_password_hash()
        assert hashed is not None
        assert hashed.reveal().startswith("$6$")
        assert hashed == site.root_password_hash()


def test_bmc_password_comes_back_in_clear_for_the_bmc_alone(tmp_path: Path) -> None:
    done = sb(tmp_path, "passwd", "ipmi", "--username", "admin", "--stdin", stdin="env:looks-like\n")
    assert done.returncode == 0
    assert "looks-like" not in done.stdout + done.stderr + sb(tmp_path, "lsdef", "-t", "passwd", "-l").stdout
    with Site.open(tmp_path) as site:
        login = site.login("ipmi")
        assert login is not None
        assert (login[0], login[1].reveal()) == ("admin", "env:looks-like")


def test_reference_keeps_the_password_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hush\n")
    done = sb(tmp_path / "site", "passwd", "system", "--from", f"file:{tmp_path / 'pw'}")
    assert done.returncode == 0
    with Site.open(tmp_path / "site") as site:
        first, second = site.root_password_hash(), site.root_password_hash()
        assert first is not None
        assert first == second
        assert first.reveal().startswith("$6$")
    assert sb(tmp_path / "site", "passwd", "system", "--from", "hush").returncode == 2


def test_password_is_asked_twice_and_not_echoed(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        code = "from sbkernel.cli.main import main; main()"
        os.execv(sys.executable, [sys.executable, "-c", code, "--site", str(tmp_path), "passwd", "system"])
    said = b""
    for prompt in (b"Password (system)", b"Repeat"):
        while prompt not in said:
            said += os.read(terminal, 1000)
        os.write(terminal, b"hush\n")
    while b"is set" not in said:
        said += os.read(terminal, 1000)
    assert os.waitpid(pid, 0)[1] == 0
    assert b"hush" not in said


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_empty_password_is_refused(tmp_path: Path, stdin: str) -> None:
    assert "the password is empty" in sb(tmp_path, "passwd", "system", "--stdin", stdin=stdin).stderr
    with Site.open(tmp_path) as site:
        assert site.root_password_hash() is None


def test_public_keys_are_added_and_private_ones_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{KEY}\n")
    where = tmp_path / "site"
    done = sb(where, "passwd", "system", "--authorized-keys", str(tmp_path / "key.pub"))
    assert done.stdout.startswith("2 public keys may log in as root")
    with Site.open(where) as site:
        assert KEY in site.authorized_keys()
        private = str(site.ssh_key)
    refused = sb(where, "passwd", "system", "--authorized-keys", private)
    assert refused.returncode == 1
    assert "is not an OpenSSH public key" in refused.stderr


def test_delete(tmp_path: Path) -> None:
    sb(tmp_path, "passwd", "system", "--stdin", stdin="hush\n")
    assert sb(tmp_path, "passwd", "system", "--delete").returncode == 0
    with Site.open(tmp_path) as site:
        assert site.root_password_hash() is None
