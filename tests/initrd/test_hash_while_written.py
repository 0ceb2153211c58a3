"""The sum of a root image that is made while the image comes: no order of the two may lose bytes."""

import contextlib
import hashlib
import subprocess
from pathlib import Path

from waiting import until

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


def read_so_far(file: Path) -> int:
    """Return how much of a file the function has read: where the standard input of its shell stands."""
    places = [0]
    for link in Path("/proc").glob("[0-9]*/fd/0"):
        with contextlib.suppress(OSError):
            if link.readlink() == file:
                places.append(int((link.parents[1] / "fdinfo/0").read_text().split()[1]))
    return max(places)


def test_of_a_file_whose_end_comes_between_two_looks(tmp_path: Path) -> None:
    file, whole = tmp_path / "image", tmp_path / "whole"
    with file.open("wb", buffering=0) as image:
        image.write(b"x" * 100_000)
        process = start(file, whole)
        until(lambda: read_so_far(file) == 100_000)
        image.write(b"the end")
    whole.touch()
    expected = hashlib.sha256(b"x" * 100_000 + b"the end").hexdigest()
    assert process.communicate(timeout=30)[0].strip() == expected
