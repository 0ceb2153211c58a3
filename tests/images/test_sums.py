"""A content list that reads only what has changed is the one that reads everything."""

import json
import os
import random
from pathlib import Path

import pytest
from treechanges import Changing

from sbkernel.images import sums
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.listing import Listed, parsed

FAR = 2**62


def listed(tree: Path, file: Path) -> Listed:
    """List a tree as packimage does, which keeps the sums."""
    found = content_of(tree, exclude=(), include=()).content_list(sums.read(file))
    sums.write(file, found.sums, FAR)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_same_after_any_change(tmp_path: Path, seed: int) -> None:
    changing = Changing(tmp_path / "tree", seed)
    for _ in range(4):
        whole = content_of(changing.tree, exclude=(), include=()).content_list()
        assert listed(changing.tree, tmp_path / ".sums") == whole
        for _ in range(6):
            changing.step()


def test_sums_from_before_attributes_were_kept_with_them_do(tmp_path: Path) -> None:
    tree, file = tmp_path / "tree", tmp_path / ".sums"
    tree.mkdir()
    for name in ("plain", "more"):
        (tree / name).write_text(name)
    os.setxattr(tree / "more", "user.x", b"1")
    first = listed(tree, file)
    sums.write(file, {key: value.partition(" ")[0] for key, value in first.sums.items()}, FAR)
    assert listed(tree, file) == first
    assert sums.read(file) == first.sums


def test_a_file_that_was_touched_is_read_and_no_other(tmp_path: Path) -> None:
    tree, file = tmp_path / "tree", tmp_path / ".sums"
    tree.mkdir()
    for name in ("one", "two"):
        (tree / name).write_text(name)
    first = listed(tree, file)
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "sums": dict.fromkeys(data["sums"], "known")}))
    assert {path: entry.what for path, entry in parsed(listed(tree, file).lines).items()} == {
        ".": "", "./one": "known", "./two": "known",
    }  # fmt: skip
    status = (tree / "two").stat()
    (tree / "two").write_text("TWO")
    os.utime(tree / "two", ns=(status.st_atime_ns, status.st_mtime_ns))
    now = parsed(listed(tree, file).lines)
    assert now["./one"].what == "known"
    assert now["./two"].what not in ("known", parsed(first.lines)["./two"].what)


def test_what_may_have_changed_since_unseen_is_not_kept_nor_what_is_damaged(tmp_path: Path) -> None:
    file, chance = tmp_path / ".sums", random.Random(1)
    many = {f"{number} 5 {chance.randrange(1000)}": str(number) for number in range(20)}
    sums.write(file, many, 500)
    assert sums.read(file) == {key: value for key, value in many.items() if int(key.split()[2]) < 500} != {}
    data = json.loads(file.read_text())
    for text in ("", "{", "[]", "{}", json.dumps({**data, "boot": "x"}), json.dumps({**data, "sums": []}), "\xff"):
        file.write_text(text, encoding="latin-1")
        assert sums.read(file) == {}
