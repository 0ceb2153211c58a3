"""For each kind of repository: a site, and the packages that make a tree in which scripts run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import REPOSITORIES

from sbkernel.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("families") / "a site") as site:
        yield site


@pytest.fixture(params=REPOSITORIES, scope="module")
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(family: str, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("base")
    REPOSITORIES[family].make_base(site, place)
    return place
