"""A crontab of our own: the real program, in a mount namespace whose spool is empty and vanishes with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_SPOOL = "/var/spool/cron/crontabs"
_HOLD = f"mount -t tmpfs none {_SPOOL} && echo ready && exec sleep infinity"


@contextlib.contextmanager
def private_crontab(directory: Path) -> Iterator[Path]:
    """Yield a directory for $PATH whose `crontab` works on that spool; the crontab of this user is never seen."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    enter = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    words = ["unshare", *user, "--mount", "--", "sh", "-c", _HOLD]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "ready\n"
            program = directory / "crontab"
            inside = " ".join(["nsenter", "--target", str(holder.pid), *enter, "--mount", "--wd=/"])
            program.write_text(f'#!/bin/sh\nexec {inside} -- /usr/bin/crontab "$@"\n')
            program.chmod(0o755)
            yield directory
        finally:
            holder.kill()


def as_cron_runs_it(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    r"""Run the command of a line as crontab(5) says: /bin/sh, four variables, no terminal, % ends it, \% is %."""
    command = line.split(None, 5)[5]
    words, escaped = [], False
    for letter in command:
        if letter == "%" and not escaped:
            break
        if letter == "%":
            words.pop()
        words.append(letter)
        escaped = letter == "\\"
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LOGNAME": "root", "SHELL": "/bin/sh"}
    return subprocess.run(
        ["/bin/sh", "-c", "".join(words)], env=variables, cwd=home, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, start_new_session=True,
    )  # fmt: skip
