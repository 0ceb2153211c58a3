"""Processes that collect, stopped where a test wants them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"

_COLLECTOR = """
import sys
from sbkernel.images.catalog import removing
from sbkernel.rollout.versions import gc, references
from sbkernel.site import Site

def stopped(module, name):
    function = getattr(module, name)
    def stop(*arguments, **named):
        before = sys.argv[2] == "before"
        found = None if before else function(*arguments, **named)
        print(name, flush=True)
        sys.stdin.readline()
        return function(*arguments, **named) if before else found
    setattr(module, name, stop)

stopped({"references": references, "removing": removing, "shutil": removing.shutil}[sys.argv[3]], sys.argv[4])
with Site.open(sys.argv[1]) as site:
    for item in gc.gc(site, keep=0, older_than="0d").items:
        print(item.name, "; ".join(item.why) or "gone", flush=True)
"""


@contextmanager
def collecting(site: Site, when: str, module: str, function: str) -> Iterator[subprocess.Popen[str]]:
    """Start a collection of everything possible and wait until it stands before or after a function."""
    argv = [sys.executable, "-c", _COLLECTOR, str(site.root), when, module, function]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == f"{function}\n"
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> dict[str, str]:
    """Let a collection go on; return what it says of each thing."""
    out, _ = process.communicate("\n" * 9, timeout=60)
    assert process.returncode == 0
    return dict(line.split(" ", 1) for line in out.splitlines() if "@" in line)
