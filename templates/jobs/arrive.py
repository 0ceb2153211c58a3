"""Run first on another machine, by the Python there: takes our code there, unless it is there already, and starts it.

It comes as text, with standard input as `f`, and has the standard library alone. A Python that is too old has to be
able to read it, to say so: nothing newer than 3.6 here.
"""

import hashlib
import io
import json
import os
import shutil
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

KEPT_S = 30 * 86400


def say(kind, **data):
    os.write(1, json.dumps({"kind": kind, **data}).encode() + b"\n")


def arrive(stream, home):
    """Return the directory of the code that is wanted, once it is there."""
    wanted = json.loads(stream.readline().decode())
    if sys.version_info < (3, 11):  # noqa: UP036
        say("error", error=f"its python3 is {sys.version_info[0]}.{sys.version_info[1]}, and 3.11 or newer is needed")
        sys.exit(1)
    place = home / "code" / wanted["digest"]
    if not place.is_dir():
        say("code")
        data = stream.read(wanted["size"])
        if hashlib.sha256(data).hexdigest() != wanted["digest"]:
            raise OSError("our code came damaged")
        unpack(data, place)
    os.utime(place)
    for other in place.parent.iterdir():
        with suppress(OSError):  # that of somebody who arrives at the same time is gone again
            if other.stat().st_mtime < time.time() - KEPT_S:
                shutil.rmtree(other, ignore_errors=True)
    return place


def unpack(data, place):
    """Unpack it whole or not at all; whoever does the same meanwhile has the same."""
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    beside.mkdir(0o700, parents=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for one in packed.infolist():
                os.chmod(packed.extract(one, str(beside)), one.external_attr >> 16)
        beside.rename(place)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not place.is_dir():
            raise


def main(stream):
    os.umask(0o022)
    for name in ("SBKERNEL_SITE", "SBKERNEL_DB"):
        os.environ.pop(name, None)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sbkernel-elsewhere"
    try:
        sys.path.insert(0, str(arrive(stream, home)))
        from sbkernel.jobs.launchers.serving import serve
    except (OSError, ImportError) as error:
        say("error", error=f"{type(error).__name__}: {error}")
        sys.exit(1)
    say("ready")
    serve(stream, home)
