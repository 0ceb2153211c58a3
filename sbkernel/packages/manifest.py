"""The manifest of an image: every package in it, as JSON that is the same for the same packages."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sbkernel.packages.package import Package


def to_json(installed: Iterable[Package]) -> str:
    """Return a manifest: one package a line, so that two manifests compare well with diff."""
    lines = ",\n".join(json.dumps(package.as_dict(), sort_keys=True) for package in installed)
    return f"[\n{lines}\n]\n"
