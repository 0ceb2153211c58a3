"""How values of other rooms show at the end of a cell: HTML registered for their types, beside their plain text.

Values do not render themselves. SHOWN names, for each type, the function that renders it: a type or a page of HTML is
imported when the first such value is shown, and not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

SHOWN: Mapping[str, str] = {
    "sbkernel.images.catalog:ImageVersion": "sbkernel.workbench.images:image_version",
    "sbkernel.images.resolution:ListResolution": "sbkernel.workbench.remarks:resolution",
    "sbkernel.jobs.job:Job": "sbkernel.workbench.displays.jobs:job",
}
"""Type: function of one value that returns markup, or an object with _repr_mimebundle_."""


def register(shell: Any) -> None:
    """Teach an IPython shell to show the types of SHOWN; doing it twice is harmless."""
    formatter = shell.display_formatter.mimebundle_formatter
    for shown, by in SHOWN.items():
        module, _, name = shown.partition(":")
        formatter.for_type_by_name(module, name, _renderer(by))


def html_of(value: Any) -> str:
    """Return a value as HTML, as a cell would show it; KeyError when its type is not among SHOWN."""
    kind = type(value)
    shown = _bundle(SHOWN[f"{kind.__module__}:{kind.__qualname__}"], value)
    return str((shown[0] if isinstance(shown, tuple) else shown)["text/html"])


def _renderer(by: str) -> Callable[..., Any]:
    return lambda value, **_: _bundle(by, value)


def _bundle(by: str, value: Any) -> Any:
    """Return what IPython calls a MIME bundle: types of content, and metadata where there is some."""
    module, _, name = by.partition(":")
    rendered = getattr(importlib.import_module(module), name)(value)
    if hasattr(rendered, "_repr_mimebundle_"):
        return rendered._repr_mimebundle_()
    return {"text/html": str(rendered), "text/plain": repr(value)}
