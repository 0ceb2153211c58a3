"""A lock names its holder, also to one who reads the note while it is written."""

from pathlib import Path

import pytest

from sbkernel.errors import LockedError
from sbkernel.jobs.lock import lock, lock_file


def test_the_holder_is_named(tmp_path: Path) -> None:
    with (
        lock(tmp_path / "root", "genimage"),
        pytest.raises(LockedError, match="another genimage process"),
        lock(tmp_path / "root", "packimage"),
    ):
        pass


@pytest.mark.parametrize("note", ["", '{"pid": 1, "ve', '{"pid": 1, "verb": "gc", "since": 1.5}5}'])
def test_a_note_in_parts_names_nobody(tmp_path: Path, note: str) -> None:
    with lock(tmp_path / "root", "genimage"):
        lock_file(tmp_path / "root").write_text(note)
        with pytest.raises(LockedError, match="another process"), lock(tmp_path / "root", "packimage"):
            pass
