"""The node's own files: modes, content, the same bytes for the same values."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.secret import Secret
from sbkernel.netboot.overlay import Own, Shared, machine_ids, overlay_tar, shared_members
from sbkernel.netboot.server import Server

SERVER = Server("10.0.0.1", 8080, 10514)


def unpack(content: bytes) -> dict[str, tuple[int, str]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert all(member.uid == member.gid == 0 for member in tar)
        files = [member for member in tar if member.isfile()]
        return {member.name: (member.mode, tar.extractfile(member).read().decode()) for member in files}  # type: ignore[union-attr]


def make(own: Own, **shared: object) -> bytes:
    return overlay_tar(own, shared_members(Shared(SERVER, "ssh-ed25519 AAAA admin\n", **shared)))  # type: ignore[arg-type]


def test_holds_name_keys_log_and_units() -> None:
    files = unpack(make(Own("n1", "0" * 32, ip="10.0.0.11", domain="lab")))
    assert files["etc/hostname"] == (0o644, "n1\n")
    assert files["etc/machine-id"] == (0o444, "0" * 32 + "\n")
    assert "10.0.0.11\tn1.lab n1\n" in files["etc/hosts"][1]
    assert files["root/.ssh/authorized_keys"] == (0o600, "ssh-ed25519 AAAA admin\n")
    assert 'target="10.0.0.1" port="10514"' in files["etc/rsyslog.d/90-sbkernel.conf"][1]
    assert not {"etc/chrony/sources.d/sbkernel.sources", "run/sbkernel/root-password"} & files.keys()


def test_units_are_wanted() -> None:
    with tarfile.open(fileobj=io.BytesIO(make(Own("n1", "0" * 32)))) as tar:
        links = {member.name: member.linkname for member in tar if member.issym()}
    assert links["etc/systemd/system/multi-user.target.wants/sbkernel-report.service"] == "../sbkernel-report.service"


def test_holds_time_servers_and_the_password_hash_only_if_there_are_any() -> None:
    files = unpack(make(Own("n1", "0" * 32), ntpservers=("t1", "t2"), root_password=Secret("$6$x$y")))
    assert files["etc/chrony/sources.d/sbkernel.sources"] == (0o644, "server t1 iburst\nserver t2 iburst\n")
    assert files["run/sbkernel/root-password"] == (0o600, "$6$x$y\n")


def test_a_node_without_an_address_resolves_its_name() -> None:
    assert "127.0.1.1\tn1\n" in unpack(make(Own("n1", "0" * 32)))["etc/hosts"][1]


@given(st.text("abc019-", min_size=1, max_size=63), st.text("abc019-", min_size=1, max_size=63))
def test_machine_ids_are_lasting_and_differ(one: str, other: str) -> None:
    assert len(machine_ids("key")(one)) == 32
    assert (machine_ids("key")(one) == machine_ids("key")(other)) == (one == other)
    assert machine_ids("key")(one) != machine_ids("other key")(one)


@given(st.text("abc", min_size=1, max_size=63), st.text(max_size=2000).filter(lambda text: "\0" not in text))
def test_is_a_whole_tar_file_and_reproducible(node: str, keys: str) -> None:
    def build() -> bytes:
        return overlay_tar(Own(node, "0" * 32), shared_members(Shared(SERVER, keys)))

    content = build()
    assert content == build()
    assert len(content) % tarfile.BLOCKSIZE == 0
    assert unpack(content)["etc/hostname"][1] == f"{node}\n"


@pytest.mark.parametrize("tar", [["tar"], ["busybox", "tar"]])
@pytest.mark.parametrize("size", range(0, 2048, 511))
def test_the_tar_of_an_initrd_and_that_of_gnu_take_it_through_a_pipe(tar: list[str], size: int, tmp_path: Path) -> None:
    """Whatever its size is: it is not filled up to a record of 10 kB."""
    content = make(Own("n1", "0" * 32), ntpservers=("x" * size,))
    done = subprocess.run([*tar, "-x", "-p", "-C", tmp_path], input=content, capture_output=True, check=True)
    assert not done.stderr
    assert (tmp_path / "etc/hostname").read_text() == "n1\n"
    assert (tmp_path / "etc/systemd/system/multi-user.target.wants/sbkernel-report.service").is_symlink()
    assert (tmp_path / "etc/chrony/sources.d/sbkernel.sources").read_text() == f"server {'x' * size} iburst\n"
