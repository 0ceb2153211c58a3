"""How a process that lives long collects its garbage."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 25_000, 20, 50


def collect_seldom() -> None:
    """Let the collector look for circles less often, and never again among what is there now, mostly modules.

    A request about a thousand nodes makes some ten thousand objects that are gone when it is answered, without the
    collector; by default it looks through them dozens of times meanwhile.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.enable()
