"""What tests of roll-outs to simulated nodes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.service.client import Service
from sbkernel.site import Site


@pytest.fixture
def simsite(tmp_path: Path) -> Iterator[Site]:
    """A site whose service is stopped at the end."""
    with Site.open(tmp_path / "site") as site:
        yield site
        Service(site).stop()
