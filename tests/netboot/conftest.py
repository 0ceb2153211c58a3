"""A site with a packed image and nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from netsite import publish

from sbkernel.images.catalog.version import ImageVersion
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        opened.change("site", {"clustersite": {"httpport": "8080", "syslogport": "10514"}})
        yield opened


@pytest.fixture
def version(site: Site) -> ImageVersion:
    return publish(site, b"root")


@pytest.fixture
def nodes(site: Site) -> list[str]:
    serial = {"serialport": "0", "serialspeed": "115200"}
    site.set("node", "n1", groups="all", mac="52:54:00:00:00:01", ip="10.0.0.11", xcatmaster="10.0.0.1", **serial)
    site.set("node", "n2", groups="all", mac="52:54:00:00:00:02", vmnics="user", **serial)
    site.set("node", "n3", groups="all")
    return ["n1", "n2", "n3"]
