"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A property that holds, holds on a busy machine too.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

HERE = Path(__file__).resolve().parent
LONGEST_FIRST = ("e2e", "browser", "images", "initrd")
WHOLE = ("e2e", "browser", "initrd")
"""Directories whose tests share what took long to make: an image that was built, a JupyterLab."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; with pytest-xdist, keep together what shares a fixture."""
    items.sort(key=lambda item: _turn(item.path))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))


def _turn(path: Path) -> int:
    room = path.relative_to(HERE).parts[0]
    return LONGEST_FIRST.index(room) if room in LONGEST_FIRST else len(LONGEST_FIRST)


def _group(path: Path) -> str:
    inside = path.relative_to(HERE)
    return inside.parts[0] if inside.parts[0] in WHOLE else str(inside)


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for sites that build the shipped compute image, so that one run of all tests installs it once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "layers"
    shared.mkdir(exist_ok=True)
    return shared
