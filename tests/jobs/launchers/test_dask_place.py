"""Orders on Dask workers: which worker gets one, and what is left when the worker dies half way."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest
from daskcluster import Cluster, cluster
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

from sbkernel.errors import JobError, NotFoundError, ToolMissingError
from sbkernel.jobs.blobs import Readable, inputs_of
from sbkernel.jobs.job import submit
from sbkernel.jobs.launchers import launcher_named
from sbkernel.jobs.launchers.dask import ON, Dask, at
from sbkernel.jobs.launchers.dask.needs import check, needed, offered
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

ROLES = ("SCHEDULER", "WORKER", "CLIENT")


class Lines(NullReport):
    """A report that keeps the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


def slow(marker: Path) -> Order:
    return Order("slow", "job_targets:slow", {"marker": str(marker), "isolated": True})


@pytest.mark.parametrize(
    ("address", "scheduler", "distribution"),
    [
        ("", "tcp://127.0.0.1:8786", ""),
        ("head1", "tcp://head1:8786", ""),
        ("head1.site:99", "tcp://head1.site:99", ""),
        ("tls://head1", "tls://head1:8786", ""),
        ("tcp://[fe80::1]:1?os=debian12", "tcp://[fe80::1]:1", "debian12"),
        ("?os=debian", "tcp://127.0.0.1:8786", "debian"),
    ],
)
def test_addresses(address: str, scheduler: str, distribution: str) -> None:
    place = launcher_named(f"dask:{address}")
    assert isinstance(place, Dask) and (place.scheduler, place.distribution) == (scheduler, distribution)


@given(
    st.one_of(st.text(), st.from_regex(r"(tcp|tls)?(://)?[a-z0-9.\-\[\]:]*(:\d*)?(\?os=)?[^/]{0,9}", fullmatch=True))
)
def test_an_address_is_read_or_refused_and_never_becomes_an_option(address: str) -> None:
    try:
        place = at(address)
    except NotFoundError as error:
        assert error.hint and "dask:head1" in error.hint
        return
    words = place.argv()
    assert words[4].startswith(("tcp://", "tls://")) and not any("\n" in word or " " in word for word in words[4:6])
    assert words[5].split(",")[0] == "sbkernel-build"


def test_without_dask_the_extra_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(ToolMissingError) as caught:
        submit(site, Order("good", "job_targets:good"), on="dask:")
    assert caught.value.hint == "pip install 'sbkernel[dask]'" and list(site.jobs.iterdir()) == []


def test_an_order_needs_an_architecture_and_a_distribution_only_when_told() -> None:
    assert list(needed("aarch64", "debian12")) == ["sbkernel-build", "sbkernel-arch-aarch64", "sbkernel-os-debian12"]
    assert list(needed()) == ["sbkernel-build"] == at("head1").argv()[5].split(",")
    assert at("head1?os=debian12").argv()[5] == "sbkernel-build,sbkernel-os-debian12"


def test_what_workers_have_is_told_when_none_fits() -> None:
    has = {"tcp://a": offered(), "tcp://b": {"GPU": 2.0}}
    check("tcp://s", has, {"sbkernel-build": 1.0})
    with pytest.raises(
        NotFoundError, match=r"tcp://s has no worker for vax; it has tcp://a: .*; tcp://b: no build host"
    ):
        check("tcp://s", has, {"sbkernel-build": 1.0, "sbkernel-arch-vax": 1.0})
    with pytest.raises(NotFoundError, match="it has no workers at all"):
        check("tcp://s", {}, {"sbkernel-build": 1.0})


def test_no_worker_that_fits_is_an_error_that_tells_what_there_is(site: Site, two_workers: Cluster) -> None:
    none = r"tcp://.* has no worker for vax; it has tcp://"
    with pytest.raises(JobError, match=none) as caught, at(two_workers.address).held("vax", NullReport()):
        pass
    assert "dask worker" in str(caught.value.hint)
    with pytest.raises(JobError, match=none.replace("vax", "plan9")):
        submit(site, Order("good", "job_targets:good"), on=f"dask:{two_workers.address}?os=plan9").wait(60)


def test_a_place_that_is_held_takes_several_orders_and_no_others(site: Site, two_workers: Cluster) -> None:
    dask, report, order = at(two_workers.address), Lines(), Order("good", "job_targets:good")
    with dask.held(os.uname().machine, report) as first, dask.held("", report) as second:
        for place in (first, first, second):
            place.carry_out(order, inputs_of(site), report, refuse)
        on = [line.removeprefix(f"{dask}: {ON}") for line in report.lines if ON in line]
        assert on == [first.worker, first.worker, second.worker] and {*on} == {*two_workers.workers}
    with pytest.raises(JobError, match=f"the Dask worker {first.worker} has gone"):
        first.carry_out(order, inputs_of(site), report, refuse)


def test_what_an_order_has_made_is_still_there_when_another_begins(site: Site, two_workers: Cluster) -> None:
    """Both workers keep their things in one directory, and the first order has ended while its files are on the way."""
    dask, inputs = at(two_workers.address), inputs_of(site)
    large = {name: inputs.put(name.encode() * (24 << 20)) for name in "ab"}
    came: dict[str, int] = {}

    def keep(name: str, digest: str, size: int, stream: Readable) -> None:
        if not came:
            dask.carry_out(Order("good", "job_targets:good"), inputs, NullReport(), refuse)
        came[name] = sum(len(piece) for piece in iter(lambda: stream.read(1 << 20), b""))

    dask.carry_out(Order("shout", "job_targets:shout", inputs=large), inputs, NullReport(), keep)
    assert came == {"a": 24 << 20, "b": 24 << 20}


def test_a_job_that_waits_for_a_worker_says_so_and_can_be_cancelled(site: Site, tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", workers=1) as ours:
        running = submit(site, slow(first := tmp_path / "first"), on=f"dask:{ours.address}")
        until(first.exists)
        waiting = submit(site, slow(second := tmp_path / "second"), on=f"dask:{ours.address}")
        until(lambda: "waiting for a Dask worker that is free" in "\n".join(waiting.tail()))
        waiting.stop()
        assert waiting.state == "cancelled" and not second.exists() and running.state == "running"
        running.stop()


def test_a_worker_that_is_killed_half_way_fails_the_job_and_leaves_nothing(site: Site, tmp_path: Path) -> None:
    with cluster(tmp_path / "dask") as ours:
        job = submit(site, slow(marker := tmp_path / "marker"), on=f"dask:{ours.address}")
        until(Path(f"{marker}.pid").exists)
        address = until(lambda: [line.split()[-1] for line in job.tail() if "on the Dask worker" in line])[0]
        ours.kill(address)
        with pytest.raises(JobError, match=f"the Dask worker {address} has gone") as caught:
            job.wait(60)
        assert caught.value.hint == "what was finished there is kept: give the order again to go on"
        until(lambda: not ours.left(), seen=ours.left)
        assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        again = submit(site, Order("good", "job_targets:good"), on=f"dask:{ours.address}").wait(60)
        assert again.result["units"] == 3, "the other worker takes the next order, and got nothing of this one"
        assert marker.read_text() == "started\n"


def test_a_scheduler_with_tls_is_reached_with_the_certificates_that_dask_is_told_of(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=dask"]
    subprocess.run(["openssl", *words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    tls = {f"{who}__{what}": str(file) for who in ROLES for what, file in (("CERT", certificate), ("KEY", key))}
    settings = {
        f"DASK_DISTRIBUTED__COMM__TLS__{name}": value for name, value in {**tls, "CA_FILE": str(certificate)}.items()
    }
    with cluster(tmp_path / "dask", 1, "tls", **settings) as ours:
        order, place = Order("good", "job_targets:good"), f"dask:{ours.address}"
        with pytest.raises(JobError, match=r"tls://.* does not answer"):
            submit(site, order, on=place).wait(60)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert submit(site, order, on=place).wait(60).result["units"] == 3


def refuse(name: str, digest: str, size: int, stream: Readable) -> None:
    raise AssertionError(f"{name} came unasked")
