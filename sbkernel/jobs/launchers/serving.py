"""Serve an order that comes over a connection: what templates/jobs/arrive.py starts on another machine.

Standard input says what is wanted, standard output how it goes (wire.py). When the connection ends, or nothing comes
for the time that was agreed upon, this process ends, and so does the job with it (farside.py).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sbkernel.errors import SbkernelError
from sbkernel.files import in_turn, take
from sbkernel.jobs.blobs import Blobs, artefacts_of, inputs_of
from sbkernel.jobs.job import Job, listing
from sbkernel.jobs.launchers import wire
from sbkernel.jobs.launchers.farside import carrying_out, messages
from sbkernel.jobs.order import Order
from sbkernel.site import Site

KEPT_S = 30 * 86400
_LAST_WORD_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def serve(stream: IO[bytes], home: Path) -> None:
    """Carry out one order of whoever is at the other end, in a site that is kept below `home`."""
    sender = wire.Sender(os.fdopen(os.dup(1), "wb", buffering=0))
    os.dup2(2, 1)  # what others print must not come between messages
    try:
        _Serving(stream, sender).run(home)
    except (SbkernelError, OSError) as error:
        hint = error.hint if isinstance(error, SbkernelError) else None
        said = error.message if isinstance(error, SbkernelError) else f"{type(error).__name__}: {error}"
        sender.send(wire.ERROR, error=said, hint=hint)
        sys.stderr.flush()
        os._exit(1)  # the thread that listens waits for more


class _Serving:
    """One connection."""

    def __init__(self, stream: IO[bytes], sender: wire.Sender) -> None:
        self._stream = stream
        self._sender = sender
        self._heard = time.monotonic()
        self._told = threading.Event()

    def run(self, home: Path) -> None:
        message = wire.receive(self._stream)
        if message is None or message["kind"] != wire.ORDER or not _NAME.fullmatch(message["site"]):
            raise wire.WireError("no order came")
        threading.Thread(target=self._end_when_silent, args=(float(message["silence_s"]),), daemon=True).start()
        order = Order.from_json(message["text"])
        with Site.open(home / "sites" / message["site"]) as site, _sending(site):
            self._take_inputs(site, order)
            with carrying_out(site, order) as job:
                threading.Thread(target=self._listen, args=(job.dir,), daemon=True).start()
                self._tell(job)
                self._told.set()
        os._exit(0)

    def _take_inputs(self, site: Site, order: Order) -> None:
        blobs = inputs_of(site)
        missing = [digest for digest in sorted(set(order.inputs.values())) if self._lacks(blobs, digest)]
        self._sender.send(wire.NEED, digests=missing)
        for digest in missing:
            message = wire.receive(self._stream)
            while message and message["kind"] == wire.BEAT:
                self._beat()
                message = wire.receive(self._stream)
            if message is None or message["kind"] != wire.BLOB:
                raise wire.WireError("an input did not come")
            blobs.receive(wire.Content(self._stream, message["size"], self._beat), digest)
        _forget_inputs(blobs, order)

    def _lacks(self, blobs: Blobs, digest: str) -> bool:
        self._beat()  # nobody listens meanwhile, and many gigabytes take their time
        return bool(blobs.missing([digest]))

    def _tell(self, job: Job) -> None:
        for kind, data in messages(job):
            if kind != "artefact":
                self._sender.send(kind, **data)
                continue
            with artefacts_of(job.dir).path(data["digest"]).open("rb") as content:
                self._sender.send(kind, content, **data)

    def _listen(self, directory: Path) -> None:
        """Hear what comes while the job runs; end when nobody is there any more."""
        try:
            while message := wire.receive(self._stream):
                self._beat()
                if message["kind"] == wire.CANCEL:
                    Job(directory).cancel()
        finally:
            # Who has heard the last word hangs up, perhaps before we know that we have said it; then there is a little
            # to be put in order.
            if not self._told.wait(_LAST_WORD_S):
                os._exit(1)

    def _beat(self) -> None:
        self._heard = time.monotonic()

    def _end_when_silent(self, silence_s: float) -> None:
        while time.monotonic() - self._heard < silence_s:
            time.sleep(min(1.0, silence_s / 4))
        os._exit(1)


@contextmanager
def _sending(site: Site) -> Iterator[None]:
    """Send the files that a job makes during a block; before and after it those of jobs that have ended are removed."""
    _forget_artefacts(site)
    held = take(site.run / "sending", shared=True)
    try:
        yield
    finally:
        os.close(held)
        _forget_artefacts(site)


def _forget_artefacts(site: Site) -> None:
    """Remove the files that jobs have made: who wanted them has them, or is gone; not while somebody sends such files.

    A job has ended before its files are all sent, so that its state does not tell.
    """
    with suppress(BlockingIOError), in_turn(site.run / "sending", wait=False):
        for job in listing(site):
            if job.done:
                shutil.rmtree(artefacts_of(job.dir).directory, ignore_errors=True)


def _forget_inputs(blobs: Blobs, order: Order) -> None:
    """Remove what no order has named for a month."""
    for digest in set(order.inputs.values()):
        file = blobs.directory / digest
        os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))
    for file in blobs.directory.glob("*"):
        with suppress(FileNotFoundError):  # one that another order was receiving has its name now
            if file.stat().st_atime < time.time() - KEPT_S:
                file.unlink()
