"""The far side of a connection: what it puts in order when the other side hangs up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import pytest

from sbkernel.jobs.blobs import inputs_of
from sbkernel.jobs.launchers import wire
from sbkernel.jobs.order import Order
from sbkernel.site import Site

SLOW = """
import sys, time
from pathlib import Path
from sbkernel.jobs.launchers import serving

forget = serving._forget_artefacts

def slowly(site):
    time.sleep(0.3)
    forget(site)

serving._forget_artefacts = slowly
serving.serve(sys.stdin.buffer, Path(sys.argv[1]))
"""


def heard(stream: IO[bytes]) -> Mapping[str, Any]:
    message = wire.receive(stream)
    assert message is not None
    if message["kind"] == "artefact":
        content = wire.Content(stream, message["size"])
        while content.read(1 << 16):
            pass
    return message


@pytest.mark.parametrize("hangs_up", ["at the last word", "before it has begun"])
def test_nothing_that_was_fetched_stays_when_who_has_it_hangs_up(site: Site, tmp_path: Path, hangs_up: str) -> None:
    inputs, home = inputs_of(site), tmp_path / "far"
    order = Order("shout", "job_targets:shout", inputs={"list": inputs.put(b"bash\n")})
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    argv = [sys.executable, "-c", SLOW, str(home)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as there:
        assert there.stdin is not None and there.stdout is not None
        sender = wire.Sender(there.stdin)  # type: ignore[arg-type]
        sender.send(wire.ORDER, text=order.text, site="ours", silence_s=60.0)
        (digest,) = heard(there.stdout)["digests"]
        if hangs_up == "at the last word":
            with inputs.path(digest).open("rb") as content:
                sender.send(wire.BLOB, content, size=5)
            while heard(there.stdout).get("state") != "succeeded":
                pass
        there.stdin.close()
        status = there.wait(30)
    assert status == (0 if hangs_up == "at the last word" else 1)
    assert not list(home.glob("sites/*/jobs/*/artefacts"))
