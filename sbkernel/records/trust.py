"""Signatures of records, with which JupyterLab trusts what its own user ran, and nothing else."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.sign import NotebookNotary


def sign(notebook: NotebookNode) -> None:
    """Sign a notebook that this process has just run, or had run; nothing else is ever signed."""
    NotebookNotary().sign(notebook)


def is_own(path: Path) -> bool:
    """Tell whether a record bears the signature of this user, and is as it was when it was signed."""
    try:
        return bool(NotebookNotary().check_signature(nbformat.read(path, as_version=4)))
    except (OSError, ValueError, KeyError, AttributeError, nbformat.ValidationError):
        return False
