"""A site, and nodes that run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import Fleet, fleet

from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "a site") as opened:
        yield opened


@pytest.fixture
def nodes(site: Site, tmp_path: Path) -> Iterator[Fleet]:
    with fleet(site, tmp_path / "fleet") as running:
        yield running
