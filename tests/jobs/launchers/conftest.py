"""The places at which the contract of launchers is tested."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sshhost
from daskcluster import Cluster, cluster

from sbkernel.jobs.launchers import HERE

JOBS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def build_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sshhost.SshHost]:
    """A host whose Python finds the targets of the tests."""
    path = f"{JOBS}{os.pathsep}{JOBS.parents[0]}"
    with sshhost.ssh_host(tmp_path_factory.mktemp("host"), PYTHONPATH=path) as host, host.sshd():
        yield host


@pytest.fixture(scope="session")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Dask cluster of two workers that no test harms, which find the targets of the tests."""
    with cluster(tmp_path_factory.mktemp("dask")) as started:
        yield started


@pytest.fixture(params=[HERE, sshhost.NAME, "dask"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a place at which jobs run."""
    if request.param == sshhost.NAME:
        sshhost.use(request.getfixturevalue("build_host"), monkeypatch)
    if request.param == "dask":
        return f"dask:{request.getfixturevalue('two_workers').address}"
    return str(request.param)
