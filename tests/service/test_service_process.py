"""The service as a process: started once whoever asks, reports why it cannot, leaves nothing when killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

import sbkernel.service.client
from sbkernel.errors import NotFoundError, ServiceError
from sbkernel.service.client import Service
from sbkernel.site import Site

ENSURE = (
    "import sys; from sbkernel.site import Site; from sbkernel.service.client import Service\n"
    "with Site.open(sys.argv[1]) as site: print(Service(site).ensure().status()['pid'])"
)


def test_it_starts_once_when_five_ask_and_outlives_them(service: Service) -> None:
    command = [sys.executable, "-c", ENSURE, str(service.site.root)]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    pids = {process.communicate(timeout=60)[0] for process in asking}
    assert len(pids) == 1
    status = service.status()
    assert status is not None
    assert status["pid"] == int(pids.pop())
    assert os.getsid(status["pid"]) == status["pid"]


def test_no_file_of_the_working_directory_is_run(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write to the directory in which somebody types a verb is not run as that user."""
    (tmp_path / "asyncio.py").write_text("import pathlib; pathlib.Path(__file__).with_name('was-run').touch()\n")
    monkeypatch.chdir(tmp_path)
    assert service.ensure().status() is not None
    assert not (tmp_path / "was-run").exists()


def test_status_and_stop(service: Service) -> None:
    assert (service.status(), service.stop()) == (None, False)
    status = service.ensure().status()
    assert status is not None
    assert (status["addresses"], status["http_port"]) == (["127.0.0.1"], service.site.http_port)
    assert service.stop() is True
    assert service.status() is None
    assert not service.endpoint.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_after_a_signal_the_next_call_starts_it_again(service: Service, number: signal.Signals) -> None:
    status = service.ensure().status()
    assert status is not None
    os.kill(status["pid"], number)
    until(lambda: service.status() is None)
    again = service.ensure().status()
    assert again is not None
    assert again["pid"] != status["pid"]


def test_it_answers_in_a_deep_directory(tmp_path: Path) -> None:
    with Site.open(tmp_path.joinpath(*["a-directory-with-a-long-name"] * 8)) as site:
        service = Service(site)
        assert service.ensure().status() is not None
        assert service.stop()


def test_a_taken_port_is_reported_to_who_asked(service: Service) -> None:
    with socket.create_server(("127.0.0.1", service.site.http_port)), pytest.raises(ServiceError) as caught:
        service.ensure()
    assert "in use by another program" in str(caught.value)
    assert "sb chdef -t site httpport=" in str(caught.value)
    assert service.ensure().status() is not None


def test_another_version_says_to_restart(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.ensure()
    monkeypatch.setattr(sbkernel.service.client, "__version__", "99")
    with pytest.raises(ServiceError, match="sb service restart"):
        list(service.call("rpower", noderange="n1", action="stat"))
    assert service.status() is not None


def test_a_second_server_in_one_site_refuses(service: Service) -> None:
    service.ensure()
    command = [sys.executable, "-m", "sbkernel.service", "--site", str(service.site.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "runs already" in done.stderr) == (1, True)


def test_errors_of_verbs_arrive_as_themselves(service: Service) -> None:
    with pytest.raises(NotFoundError):
        list(service.call("rpower", noderange="nobody", action="stat"))
    with pytest.raises(ServiceError, match="knows no verb"):
        list(service.call("dance"))


def test_garbage_on_the_socket_harms_nobody(service: Service) -> None:
    service.ensure()
    for garbage in (b"\0\0\n", b"[]\n", b"x" * 100, b'{"verb": 3}\n', b'{"verb": "rcons"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(service.endpoint.socket))
            connection.sendall(garbage)
    assert service.status() is not None


def test_the_client_starts_fast() -> None:
    code = (
        "import sys, sbkernel.service.verbs\n"
        "heavy = {'aiohttp', 'pyghmi', 'pandas', 'jinja2', 'cryptography'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
