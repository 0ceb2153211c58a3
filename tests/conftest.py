"""What tests of several rooms share."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from sbkernel.definitions.store.sqlite import SqliteConnection

# A property that holds, holds on a busy machine too.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# A shell without job control starts what runs beside it deaf to Ctrl-C, which tests of interrupts would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

HERE = Path(__file__).resolve().parent
LONGEST_FIRST = ("browser", "e2e", "images", "initrd")
"""The browser wants to see packages being installed, so nobody may have made their layer before it."""
WHOLE = ("e2e", "browser", "initrd")
"""Directories whose tests share what took long to make: an image that was built, a JupyterLab."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: _turn(item.path.relative_to(HERE).parts[0]))


def _turn(room: str) -> int:
    return LONGEST_FIRST.index(room) if room in LONGEST_FIRST else len(LONGEST_FIRST)


class SharedFixturesTogether(LoadScopeScheduling):
    """Tests of one file, or of one directory where they share a fixture, run one after the other in one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        room = file.split("/")[1]
        return room if room in WHOLE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Say which tests go together when they run side by side."""
    return SharedFixturesTogether(config, log)


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for sites that build the shipped compute image, so that one process of tests installs it once."""
    return tmp_path_factory.mktemp("layers")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that any store of this process is asked."""
    statements: list[str] = []
    real = SqliteConnection.query

    def query(self: SqliteConnection, sql: str, *values: object) -> list[tuple[object, ...]]:
        statements.append(sql)
        return real(self, sql, *values)

    monkeypatch.setattr(SqliteConnection, "query", query)
    return statements
