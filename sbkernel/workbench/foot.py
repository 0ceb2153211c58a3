"""The widget below every panel: its calls, which can be copied, and a line that screen readers follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

STATIC = Path(__file__).parent / "static"


class Foot(anywidget.AnyWidget):
    """The calls as rows of what, Python, command line; and what was said last."""

    _esm = STATIC / "foot.js"
    _css = STATIC / "foot.css"
    calls: Any = traitlets.List().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)
