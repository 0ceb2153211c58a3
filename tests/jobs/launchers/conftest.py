"""The places at which the contract of launchers is tested."""

import pytest

from sbkernel.jobs.launchers import HERE


@pytest.fixture(params=[HERE])
def place(request: pytest.FixtureRequest) -> str:
    """The name of a place at which jobs run."""
    return str(request.param)
