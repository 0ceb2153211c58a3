"""Ask a scheduler to free nodes and to take them back: a program of the site that is called with a verb and nodes.

    PROGRAM drain   NODE,NODE,... REASON    let them finish what they do, and begin nothing new
    PROGRAM drained NODE,NODE,... REASON    print those that are free now, one a line
    PROGRAM resume  NODE,NODE,... REASON    let them work again, but only those that were drained for that reason

Each may be called again after a crash, so that it must not matter whether it has been. A status other than 0 stops the
roll-out where it stands. templates/rollout/slurm is one for Slurm.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.errors import DefinitionError
from sbkernel.jobs.run import run
from sbkernel.resources import templates

_AT_ONCE = 500
_PATIENCE_S = 120.0


class Scheduler:
    """A scheduler behind such a program."""

    def __init__(self, program: str, reason: str) -> None:
        self._program, self._reason = program, reason

    def drain(self, nodes: Sequence[str]) -> None:
        """Ask it to free nodes. Raises CommandError."""
        list(self._call("drain", nodes))

    def drained(self, nodes: Sequence[str]) -> set[str]:
        """Return which of the nodes are free. Raises CommandError."""
        return {word for said in self._call("drained", nodes) for word in said.split()} & set(nodes)

    def resume(self, nodes: Sequence[str]) -> None:
        """Give nodes back. Raises CommandError."""
        list(self._call("resume", nodes))

    def _call(self, verb: str, nodes: Sequence[str]) -> Iterator[str]:
        for start in range(0, len(nodes), _AT_ONCE):
            named = ",".join(nodes[start : start + _AT_ONCE])
            yield run([self._program, verb, named, self._reason], timeout_s=_PATIENCE_S).stdout


def check(program: str) -> str:
    """Return the path of a program that can be run; a mere name is that of one of ours. Raises DefinitionError."""
    ours = templates() / "rollout" / program
    path = ours if program and "/" not in program and ours.is_file() else Path(program).expanduser().absolute()
    if not program or not path.is_file() or not os.access(path, os.X_OK):
        said = f"{program} is no program that can be run" if program else "how=scheduler needs a program to ask"
        raise DefinitionError(said, hint="--scheduler slurm, or a PROGRAM that does as templates/rollout/slurm")
    return str(path)
