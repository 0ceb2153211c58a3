"""A site with nodes that can be set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        opened.change("site", {"clustersite": {"httpport": "8080", "syslogport": "10514", "master": "10.0.0.1"}})
        for number in range(1, 4):
            opened.set("node", f"n{number}", groups="all", mac=f"52:54:00:00:00:0{number}")
        yield opened
