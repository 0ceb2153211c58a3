"""A tree that is changed over another: what programs did to it is there, the other stays, and equal files are one."""

import os
from pathlib import Path

import pytest
from smallbuild import Recorder

from sbkernel.errors import CommandError
from sbkernel.images.layers.listing import listing, seal, sealing
from sbkernel.images.layers.over import changing
from sbkernel.images.tree.namespaces import copy_tree
from sbkernel.jobs.run import run

CHANGES = """
cd "$1"
rm -r replaced && mkdir -m 750 replaced && echo new > replaced/new
echo more >> appended
rm gone && rm -r gone.d
mv moved moved.away
mkdir -p deep/er && ln kept deep/er/linked && ln -s ../kept deep/link
chmod 600 private
rm -r turned && echo file > turned
rm filed && mkdir filed
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    for name in ("replaced", "gone.d/below", "deep/there", "turned", "empty"):
        (base / name).mkdir(parents=True)
    for name in ("replaced/old", "appended", "gone", "moved", "kept", "private", "turned/x", "filed", "deep/there/x"):
        (base / name).write_text(name)
    (base / "twin").hardlink_to(base / "kept")
    (base / "moved").chmod(0o4755)
    os.utime(base / "kept", (5, 5))
    return base


def test_it_becomes_what_programs_made_of_it_and_the_old_one_stays(base: Path, tmp_path: Path) -> None:
    before, expected, place = seal(base), tmp_path / "expected", tmp_path / "place"
    copy_tree(base, expected)
    run(["sh", "-ec", CHANGES, "sh", expected])
    place.mkdir()
    with changing(base, place / "tree", Recorder()) as view:
        view.run(["sh", "-ec", CHANGES, "sh", view.tree])
    found = place / "tree"
    assert listing(found, 1) == listing(expected, 1)
    assert (found / "kept").stat().st_mtime == 5
    assert (found / "deep/there/x").samefile(base / "deep/there/x"), "a file that did not change takes no room"
    assert [path for path in found.rglob("*") if any(".overlay." in one for one in os.listxattr(path))] == []
    assert [path.name for path in place.iterdir()] == ["tree"]
    assert seal(base) == before


def test_what_is_known_of_shared_files_changes_no_seal(base: Path, tmp_path: Path) -> None:
    place, known = tmp_path / "place", tmp_path / "known"
    place.mkdir()
    assert sealing(base, keep=known) == sealing(base)
    with changing(base, place / "tree", Recorder()) as view:
        view.run(["sh", "-ec", CHANGES, "sh", view.tree])
    expected = sealing(place / "tree")
    assert expected["seal"] != seal(base)
    assert sealing(place / "tree", use=known) == expected
    known.write_bytes(known.read_bytes()[:-9])
    assert sealing(place / "tree", use=known) == expected, "whoever wrote it was killed"
    known.unlink()
    assert sealing(place / "tree", use=known) == expected


def test_a_program_that_fails_leaves_no_tree(base: Path, tmp_path: Path) -> None:
    before, place = seal(base), tmp_path / "place"
    place.mkdir()
    with pytest.raises(CommandError), changing(base, place / "tree", Recorder()) as view:
        view.run(["sh", "-ec", f"{CHANGES}\nexit 3", "sh", view.tree])
    assert list(place.iterdir()) == []
    assert seal(base) == before
