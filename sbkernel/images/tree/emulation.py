"""Programs of another machine: QEMU runs them, in namespaces of a build and for it alone (templates/image/foreign.py).

Nothing is emulated but what runs in a tree: scripts of packages and of the site, and the programs that they call.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sbkernel import resources
from sbkernel.architectures import Architecture, architecture, of_machine, runs_here
from sbkernel.errors import BuildError, CommandError
from sbkernel.images.tree.elf import machine_of_tree
from sbkernel.jobs.command import find_program
from sbkernel.jobs.run import run

_NEITHER = 125
"""What foreign.py ends with when programs of that machine cannot be run."""


def emulated(osarch: str) -> tuple[str, ...]:
    """Return what begins an argv by which programs of an architecture run; nothing where the processor runs them.

    Raises ToolMissingError where the emulator is not installed.
    """
    return _emulated(architecture(osarch))


def emulated_in(tree: Path) -> tuple[str, ...]:
    """Return what begins an argv by which the programs of a tree run."""
    machine = machine_of_tree(tree)
    return _emulated(of_machine(machine)) if machine else ()


def check_emulation(osarch: str) -> None:
    """Raise BuildError, or ToolMissingError, if programs of an architecture cannot be run here."""
    prefix = emulated(osarch)
    try:
        run([*prefix, "true"], isolated=True) if prefix else None
    except CommandError as error:
        if error.returncode != _NEITHER:
            raise
        raise BuildError(
            f"programs of {osarch} do not run here: this kernel lets no build register an emulator of its own, "
            "as Linux does from 6.7 on, and this host has none registered",
            hint="let root install the packages qemu-user-static and binfmt-support, or build on a newer kernel",
        ) from None


def _emulated(one: Architecture) -> tuple[str, ...]:
    if not one.emulator or runs_here(one.machine):
        return ()
    script = str(resources.templates() / "image" / "foreign.py")
    order = "<" if one.little else ">"
    return (sys.executable, "-I", script, str(one.elf), order, find_program(one.emulator))
