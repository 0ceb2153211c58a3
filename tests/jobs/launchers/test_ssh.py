"""Jobs on a host over ssh: addresses, who may log in where, what the host lacks, and every way to lose it."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sshhost
from hypothesis import given
from hypothesis import strategies as st
from jobwatch import worker_pid
from sshhost import SshHost
from waiting import until

from sbkernel.errors import JobError, NotFoundError
from sbkernel.jobs.blobs import inputs_of
from sbkernel.jobs.job import Job, submit
from sbkernel.jobs.launchers import code, launcher_named
from sbkernel.jobs.launchers.ssh import Host, read_address
from sbkernel.jobs.order import Order
from sbkernel.site import Site


@pytest.fixture(autouse=True)
def reached(build_host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    sshhost.use(build_host, monkeypatch)


def started(site: Site, name: str, on: str = sshhost.NAME, **arguments: Any) -> Job:
    return submit(site, Order(name, f"job_targets:{name}", arguments), on=on)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("build1", Host("build1")),
        ("root@build1.example:2222", Host("build1.example", "root", "2222")),
        ("10.0.0.7:22", Host("10.0.0.7", "", "22")),
        ("[fe80::1]", Host("fe80::1")),
        ("me@[2001:db8::7]:22", Host("2001:db8::7", "me", "22")),
    ],
)
def test_addresses(text: str, host: Host) -> None:
    assert read_address(text) == host and str(host) == text


@pytest.mark.parametrize(
    "text",
    ["", "-oProxyCommand=x", "a b", "a@b@c", "host:", "host:0", "host:65536", "host:1e3", "-l@host", "a;b", "::1"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(NotFoundError, match="there is no place") as caught:
        launcher_named(text)
    assert "USER" in str(caught.value.hint) or "admin@build1" in str(caught.value.hint)


@given(st.text(max_size=30))
def test_no_text_becomes_an_option_or_a_word_of_a_shell(text: str) -> None:
    host = read_address(text)
    for part in host or ():
        assert not part.startswith("-") and not set(part) & set(" \t\n'\"$`\\;&|<>()*?!#~")


def test_our_code_is_the_same_file_every_time_and_has_what_a_build_needs() -> None:
    first = code.packed()
    code.packed.cache_clear()
    assert code.packed() == first and len(first) < 2 << 20
    names = set(zipfile.ZipFile(io.BytesIO(first)).namelist())
    assert {"sbkernel/jobs/worker.py", "sbkernel/_templates/jobs/arrive.py", "debian/debian_support.py"} <= names
    assert not [name for name in names if name.endswith((".pyc", ".so"))]


def test_another_host_key_is_refused(site: Site, build_host: SshHost) -> None:
    before = build_host.known_hosts.read_text()
    build_host.known_hosts.write_text(before.replace(*(
        (build_host.directory / f"{name}.pub").read_text().split()[1] for name in ("host_key", "other_key")
    )))  # fmt: skip
    try:
        with pytest.raises(JobError, match=r"cannot reach build1: .*Host key verification failed") as caught:
            started(site, "good").wait(60)
    finally:
        build_host.known_hosts.write_text(before)
    assert "whether its key was changed" in str(caught.value.hint)


def test_a_user_without_a_key_is_told_so(site: Site, build_host: SshHost) -> None:
    before = build_host.config.read_text()
    build_host.config.write_text(before.replace(f"{build_host.directory}/key", f"{build_host.directory}/other_key"))
    try:
        with pytest.raises(JobError, match=r"cannot reach build1: .*Permission denied") as caught:
            started(site, "good").wait(60)
    finally:
        build_host.config.write_text(before)
    assert "ssh-copy-id" in str(caught.value.hint)


def test_a_port_at_which_nobody_answers(site: Site) -> None:
    with pytest.raises(JobError, match=r"cannot reach build1:2223: .*Connection refused"):
        started(site, "good", on=f"{sshhost.NAME}:2223").wait(60)


def test_a_host_without_python(site: Site, build_host: SshHost) -> None:
    address = f"{sshhost.NAME}:{sshhost.OTHER_PORT}"
    none = pytest.raises(JobError, match=f"{address} has no python3")
    with build_host.sshd("python3", port=sshhost.OTHER_PORT), none as caught:
        started(site, "good", on=address).wait(60)
    assert "apt-get install python3" in str(caught.value.hint)


def test_a_shell_that_greets_does_no_harm(site: Site, build_host: SshHost) -> None:
    greeting = build_host.directory / "greeting"
    greeting.write_text('echo "Welcome! 1 {"; exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    address = f"{sshhost.NAME}:{sshhost.OTHER_PORT}"
    with build_host.sshd(port=sshhost.OTHER_PORT, ForceCommand=f"sh '{greeting}'"):
        assert started(site, "good", on=address).wait(60).result["units"] == 3


Fault = Callable[[SshHost, Job], object]


def _kill_worker_there(host: SshHost, job: Job) -> None:
    for pid in Path("/proc").glob("[0-9]*"):
        words = sshhost.cmdline(pid)
        if "sbkernel.jobs.worker" in words and str(host.cache) in words:
            subprocess.run(["kill", "-KILL", pid.name], check=True)


FAULTS: dict[str, tuple[Fault, str]] = {
    "the connection": (lambda host, _: host.kill_sessions(), "the connection to build1 was lost"),
    "the worker there": (_kill_worker_there, "killed: its process ended without saying why"),
    "the worker here": (lambda _, job: subprocess.run(["kill", "-KILL", str(worker_pid(job))]), "killed: its process"),
    "the cable": (lambda host, _: host.cut(), "the connection to build1 was lost"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_lost_has_failed_and_nothing_runs_on(
    site: Site, build_host: SshHost, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "the cable":
        monkeypatch.setenv("SBKERNEL_SSH_TIMEOUT", "6")
    marker = tmp_path / "marker"
    running = started(site, "slow", marker=str(marker), isolated=fault == "the worker there")
    until(marker.exists, unless=lambda: running.done)
    do, reason = FAULTS[fault]
    do(build_host, running)
    try:
        with pytest.raises(JobError, match=reason):
            running.wait(60)
        until(lambda: not build_host.processes, 60, seen=lambda: build_host.processes)
        if fault != "the worker there":  # in its own namespace that number says nothing
            status = Path("/proc", Path(f"{marker}.pid").read_text().strip(), "status")
            until(lambda: not status.exists(), seen=status.read_text)
    finally:
        build_host.mend()


def test_what_is_there_is_not_sent_again(site: Site, build_host: SshHost) -> None:
    inputs = inputs_of(site)
    order = Order("shout", "job_targets:shout", inputs={"list": inputs.put(b"bash\n")})
    submit(site, order, on=sshhost.NAME).wait(60)
    kept = next(build_host.cache.glob(f"*/sites/*/cache/blobs/{order.inputs['list']}"))
    before = kept.stat()
    submit(site, order, on=sshhost.NAME).wait(60)
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert kept.stat().st_mode & 0o777 == 0o400 and kept.parent.stat().st_mode & 0o777 == 0o700
    assert not list(build_host.cache.glob("*/sites/*/jobs/*/artefacts"))
    shutil.rmtree(kept.parent)
    assert submit(site, order, on=sshhost.NAME).wait(60).artefacts
