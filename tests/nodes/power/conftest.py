"""One fixture: every way to control a node, one after the other."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from subjects import WAYS, Subject

from sbkernel.nodes.ipmi.ipmi import Pool


@pytest.fixture(params=WAYS)
async def subject(request: pytest.FixtureRequest, pool: Pool, tmp_path: Path) -> AsyncIterator[Subject]:
    async with WAYS[request.param](pool, tmp_path) as subject:
        yield subject
        if inspect.isawaitable(ended := subject.wire.close()):
            await ended
