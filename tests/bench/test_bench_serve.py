"""The row `serve` against a real nginx, with small files."""

from __future__ import annotations

from pathlib import Path

import pytest
from waiting import until

from sbkernel.bench import serve
from sbkernel.bench.workspace import workspace


def words_of(path: Path) -> str:
    """The command line of a process, which may just have ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_both_send_the_same_bytes_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_IMAGE_BYTES", 2_000_000)
    monkeypatch.setattr(serve, "_SCRIPTS", 5)
    said: list[str] = []
    with workspace(said.append, runs=1, where=tmp_path / "work") as work:
        image, scripts = serve.rows(work)
    assert image.valid and scripts.valid
    assert image.goal is not None and image.goal.ratio == pytest.approx(1.053, abs=0.001)
    nginx = work.root / "nginx"
    until(lambda: not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(nginx) in words_of(path)])
