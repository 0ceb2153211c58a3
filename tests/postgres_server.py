"""A PostgreSQL server of Debian, started in a directory of its own; it serves a socket there and 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from waiting import until

USER = "sbkernel"
PASSWORD = "ge:h@im"  # characters that have a meaning in URLs
_SYSTEM_USER = "postgres"  # initdb refuses root


class PostgresServer:
    """One server; whoever comes by the socket is trusted, by TCP the password is asked for."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (where / "password").write_text(PASSWORD)
        options = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={where / 'password'}", "--no-sync"]
        words = ["initdb", "-D", str(where / "data"), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", *options]
        subprocess.run(_as_user(words), check=True, capture_output=True, cwd=where)

    @property
    def url(self) -> str:
        """The URL by the socket."""
        return f"postgresql://{USER}@/postgres?host={self.where}&port={self.port}"

    def tcp_url(self, password: str) -> str:
        """The URL by TCP; the password as it is to stand there."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = ["-c", "fsync=off", "-c", f"port={self.port}", "-c", "listen_addresses=127.0.0.1"]
        words = ["postgres", "-D", str(self.where / "data"), "-k", str(self.where), *settings]
        with (self.where / "log").open("ab") as log:
            self._process = subprocess.Popen(_as_user(words), cwd=self.where, stdout=log, stderr=log)
        until(self._answers, seen=(self.where / "log").read_text)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=5).close()
            return True
        return False

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None

    def clear(self) -> None:
        """Drop what a test left in the database."""
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("DROP SCHEMA IF EXISTS sbkernel CASCADE")


@contextlib.contextmanager
def running() -> Iterator[PostgresServer]:
    """Start a server, and leave nothing of it."""
    where = Path(tempfile.mkdtemp(prefix="sbpg-"))
    if os.geteuid() == 0:
        shutil.chown(where, _SYSTEM_USER, _SYSTEM_USER)
    server = None
    try:
        server = PostgresServer(where)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(where)


def _as_user(words: list[str]) -> list[str]:
    program = [str(_program(words[0])), *words[1:]]
    if os.geteuid() != 0:
        return program
    who = [f"--reuid={_SYSTEM_USER}", f"--regid={_SYSTEM_USER}", "--init-groups", "--pdeathsig=QUIT"]
    return ["setpriv", *who, "--", *program]


def _program(name: str) -> Path:
    """Debian keeps the programs of each release in a directory that is not on PATH."""
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
