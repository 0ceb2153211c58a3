"""What the process of the simulated nodes says of itself: run/practice.json of the site."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sbkernel.files import write_if_changed
from sbkernel.site import Site

GROUP = "simulated"
"""The group of all simulated nodes."""
_FILE = "practice.json"
_MOST = 20


class State(NamedTuple):
    """How many BMCs listen, and why others do not, by node; `pid` is 0 when the process does not run.

    They are as the store had them at `revision`.
    """

    pid: int = 0
    bmcs: int = 0
    troubles: Mapping[str, str] = MappingProxyType({})
    revision: int = 0


def state(site: Site) -> State:
    """Return what the process says of itself; nothing if it does not run."""
    try:
        said = State(**json.loads((site.run / _FILE).read_text()))
    except (OSError, ValueError):
        return State()
    return said if Path(f"/proc/{said.pid}").exists() else State()


def tell(site: Site, said: State) -> None:
    """Write what the process says; of the troubles the first."""
    first = dict(itertools.islice(said.troubles.items(), _MOST))
    write_if_changed(site.run / _FILE, json.dumps(said._replace(troubles=first)._asdict()).encode())


def forget(site: Site) -> None:
    """Remove it, as the process ends."""
    (site.run / _FILE).unlink(missing_ok=True)
