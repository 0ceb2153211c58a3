"""What tests of several rooms share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for sites that build the shipped compute image, so that one run of all tests installs it once."""
    return tmp_path_factory.mktemp("layers")
