"""A site, its service as a real process, and simulated BMCs on real UDP ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service_rig import Bmcs

from sbkernel.service.client import Service
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site


@pytest.fixture
def service(site: Site) -> Iterator[Service]:
    service = Service(site)
    yield service
    service.stop()


@pytest.fixture
def bmcs() -> Iterator[Bmcs]:
    bmcs = Bmcs()
    yield bmcs
    bmcs.close()
