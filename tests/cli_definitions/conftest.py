"""A site of its own for every test, and `sb`, which runs one verb on it in this process."""

import io
import sys
from pathlib import Path

import pytest
from sbrun import Result, Sb

from sbkernel.cli.main import main


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """The directory of the site; it is made when a verb first opens it."""
    return tmp_path / "site"


@pytest.fixture
def sb(where: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sb:
    """Run `sb VERB WORDS...` with this stdin; returns exit code, stdout and stderr."""

    def run(*arguments: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--site", str(where), *arguments])
        streams = capsys.readouterr()
        return Result(int(ended.value.code or 0), streams.out, streams.err)

    return run
