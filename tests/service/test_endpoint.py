"""Sockets and locks of the service, also where the path is longer than an address may be."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbkernel.errors import NodeError, NotFoundError, ServiceError
from sbkernel.jobs.localsocket import listen
from sbkernel.service import protocol
from sbkernel.service.endpoint import connect, holder, take


@pytest.mark.parametrize("depth", [1, 20])
def test_a_socket_at_any_depth(tmp_path: Path, depth: int) -> None:
    directory = tmp_path.joinpath(*["deeper-and-deeper"] * depth)
    directory.mkdir(parents=True)
    path = directory / "service.sock"
    path.write_text("stale")
    listener = listen(path)
    client = connect(path, 5)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client.close()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        connect(path, 5)


def test_a_lock_tells_who_holds_it_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None
    code = (
        "import sys, time; from pathlib import Path; from sbkernel.service.endpoint import take\n"
        "lock = take(Path(sys.argv[1])); print('taken', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    assert holder(path) == other.pid
    began = time.monotonic()
    assert take(path, patience_s=0.1) is None
    assert time.monotonic() - began < 5
    other.kill()
    other.wait()
    other.stdout.close()
    assert holder(path) is None
    lock = take(path)
    assert lock is not None
    lock.close()


def test_errors_keep_their_class_across_the_socket() -> None:
    for error in (NodeError("n1", "no", hint="h"), NotFoundError("nobody"), ServiceError("x", hint="y")):
        back = protocol.decode_error(protocol.encode_error(error))
        assert (type(back), str(back)) == (type(error), str(error))
    with pytest.raises(ServiceError, match="not a message"):
        protocol.decode(b"garbage\n")
