"""Find the templates and notebooks that ship with sbkernel, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def templates() -> Path:
    """Return the directory of everything we write to other programs' disks."""
    return _shipped("templates")


def notebooks() -> Path:
    """Return the directory of the notebooks of the flow."""
    return _shipped("notebooks")
