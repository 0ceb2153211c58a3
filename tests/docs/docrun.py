"""Run the commands of a page in order, in a home of their own, as somebody who reads it would."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docblocks import Block, BlockError, shows, steps
from docparse import check

LIMIT_S = 300
_COMMAND = re.compile(r"[^\n]*<<-?\s*'?(?P<end>\w+)'?.*?\n(?P=end)\n|(?:[^\n]*\\\n)*[^\n]+\n?", re.DOTALL)
"""A line, with those that go on from it: behind a backslash, or of a here document."""


class Desk:
    """Where a page is worked through: a home, a directory to work in, and `sb` on the path."""

    def __init__(self, place: Path) -> None:
        self.home, self.work, programs = place / "home", place / "work", place / "bin"
        for directory in (self.home, self.work, programs):
            directory.mkdir(parents=True)
        sb = programs / "sb"
        sb.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m sbkernel.cli "$@"\n')
        sb.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SBKERNEL_", "XDG_", "JUPYTER_"))}
        paths = [str(programs), str(Path(sys.executable).parent), *kept["PATH"].split(":"), "/usr/sbin"]
        self.environment = {
            **kept, "HOME": str(self.home), "PATH": ":".join(paths), "COLUMNS": "120", "EDITOR": "true",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            # Where a reader has it, but not the default one: that begins with ports which tests beside us may want.
            "SBKERNEL_SITE": str(self.site), "XDG_DATA_HOME": str(self.home / "data"),
        }  # fmt: skip

    @property
    def site(self) -> Path:
        return self.home / ".local/share/sbkernel"

    def call(self, *argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program; what it started in its group ends with it."""
        process = subprocess.Popen(
            argv, cwd=self.work, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(text, timeout=LIMIT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(argv, process.returncode, output, "")

    def run(self, block: Block) -> None:
        """Run a block. Raises BlockError with what was printed if it fails, or prints something else than it shows."""
        if block.mode == "parse":
            check(block)
        elif block.language == "console":
            for step in steps(block):
                self._step(block, step.command, step.code, step.output)
        elif block.language == "python":
            self._step(block, block.text, 0, [], sys.executable, "-P", "-")
        elif block.language == "ipython":
            (self.work / "cell.ipy").write_text(block.text)
            self._step(block, "", 0, [], sys.executable, "-m", "IPython", "--colors=NoColor", "cell.ipy")
        else:
            self._step(block, _script(block.text), 0, [])

    def _step(self, block: Block, text: str, code: int, output: list[str], *argv: str) -> None:
        done = self.call(*argv, text=text) if argv else self.call("sh", "-c", text)
        if done.returncode != code:
            raise BlockError(block, f"exit code {done.returncode}, not {code}: {text}\n{done.stdout}")
        if output and not shows(output, done.stdout.splitlines()):
            raise BlockError(block, f"{text} printed:\n{done.stdout}\nThe page shows:\n" + "\n".join(output))

    def stop(self) -> None:
        """Stop the service if a command has started it."""
        if self.site.is_dir():
            self.call("sb", "service", "stop")


def _script(text: str) -> str:
    """Return a script that ends with the first command that fails, also where it is the first of `a && b`."""
    return "set -u\n" + "".join(
        f"{found[0].rstrip()}\ncode=$?; test $code = 0 || exit $code\n" for found in _COMMAND.finditer(text)
    )


@contextmanager
def desk(place: Path) -> Iterator[Desk]:
    one = Desk(place)
    try:
        yield one
    finally:
        one.stop()


def run(desk: Desk, blocks: Iterable[Block]) -> None:
    """Run blocks in their order."""
    for block in blocks:
        desk.run(block)
