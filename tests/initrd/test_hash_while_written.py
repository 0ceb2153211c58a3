"""The sum of a root image that is made while the image comes: no order of the two may lose bytes."""

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[2] / "templates" / "initrd" / "fetch.sh"


def start(file: Path, whole: Path) -> subprocess.Popen[str]:
    """Start the function in the shell that the initrd has."""
    # The applets of busybox, as in the initrd; the host need not have a usleep.
    applets = 'for one in cat usleep sha256sum cut; do alias "$one=busybox $one"; done'
    script = f'{applets}\n. "$1"\nhash_while_written "$2" "$3"'
    return subprocess.Popen(
        ["busybox", "sh", "-c", script, "sh", str(FETCH), str(file), str(whole)], stdout=subprocess.PIPE, text=True
    )


def test_of_a_file_that_was_all_there_before_the_first_look(tmp_path: Path) -> None:
    file, whole = tmp_path / "image", tmp_path / "whole"
    file.write_bytes(b"a small root")
    whole.touch()
    assert start(file, whole).communicate(timeout=30)[0].strip() == hashlib.sha256(b"a small root").hexdigest()


@pytest.mark.parametrize("wait_s", [0.25, 0.3, 0.35])
def test_of_a_file_whose_end_comes_between_two_looks(tmp_path: Path, wait_s: float) -> None:
    file, whole = tmp_path / "image", tmp_path / "whole"
    with file.open("wb", buffering=0) as image:
        image.write(b"x" * 100_000)
        process = start(file, whole)
        time.sleep(wait_s)
        image.write(b"the end")
    whole.touch()
    expected = hashlib.sha256(b"x" * 100_000 + b"the end").hexdigest()
    assert process.communicate(timeout=30)[0].strip() == expected
