"""Which packages deserve attention, and a site's own groups."""

from pathlib import Path

import pytest

from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.packages.diff import attention
from sbkernel.packages.diff.attention import GROUPS, Attention, parse
from sbkernel.packages.package import Package
from sbkernel.site import Site


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("linux-image-6.1.0-10-amd64", "kernel"), ("kernel-core", "kernel"), ("kernel", "kernel"),
        ("linux-libc-dev", ""), ("kernel-headers", ""), ("libc6", "glibc"), ("glibc", "glibc"), ("libc6-dev", ""),
        ("libssl3t64", "openssl"), ("libssl-dev", ""), ("openssl-libs", "openssl"), ("nvidia-driver", "drivers"),
        ("rdma-core", "drivers"), ("kmod", ""), ("kmod-nvidia", "drivers"), ("slurmd", "slurm"), ("munge", "slurm"),
        ("libopenmpi3", "MPI"), ("openmpi-bin", "MPI"), ("bash", ""),
    ],
)  # fmt: skip
def test_our_groups(name: str, group: str) -> None:
    assert Attention().of(Package(name, "1", "amd64")) == group


def test_a_site_adds_changes_and_switches_off() -> None:
    own = parse("lustre: [lustre-client*, 'src:lustre*']\nglibc: musl\nMPI: []\nslurm:\n")
    assert list(own.groups) == [*(name for name in GROUPS if name not in ("MPI", "slurm")), "lustre"]
    assert own.of(Package("musl", "1", "amd64")) == "glibc"
    assert own.of(Package("libc6", "1", "amd64")) == ""
    assert own.of(Package("kmod-lnet", "1", "x", source="lustre-2.15")) == "drivers", "names come before sources"
    assert own.of(Package("lnet", "1", "x", source="lustre-2.15")) == "lustre"
    assert Attention({}).of(Package("libc6", "1", "amd64")) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "f:1: the file is not a mapping"), ("a:\n  b: c", "f:2: a is not a single value"),
        ("a: *", "f:1: not YAML"),
    ],
)  # fmt: skip
def test_wrong_files_say_where(text: str, message: str) -> None:
    with pytest.raises(ListFileError) as caught:
        parse(text, "f")
    assert str(caught.value).startswith(message)


def test_the_setting_of_the_site_names_the_file(tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site:
        assert attention.of_site(site).groups == Attention().groups
        site.set("site", "clustersite", attention=str(tmp_path / "own.yaml"))
        with pytest.raises(NotFoundError, match=r"own.yaml: No such file.*\n.*chdef -t site attention="):
            attention.of_site(site)
        (tmp_path / "own.yaml").write_text("mine: [bash]\n")
        assert attention.of_site(site).of(Package("bash", "1", "all")) == "mine"
