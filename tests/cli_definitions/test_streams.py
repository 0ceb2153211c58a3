"""Streams that are full, closed or left early: a verb says so in a line, and ends."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = f"{sys.executable} -m sbkernel.cli"


def shell(where: Path, command: str) -> tuple[int, str, str]:
    """Run a line of bash in which `sb` is the program."""
    line = f'set -o pipefail; sb() {{ {PROGRAM} --site {where} "$@"; }}; {command}'
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("verb", ["lsdef", "nodels", "tabdump nodelist"])
def test_a_full_disk_is_said_in_one_line(where: Path, verb: str) -> None:
    shell(where, "sb mkdef n1 groups=all")
    full = "Error: <stdout>: No space left on device\n"
    assert shell(where, f"sb {verb} >/dev/full") == (1, "", full)


def test_closed_streams_are_empty_ones(where: Path) -> None:
    assert shell(where, "sb mkdef n1 groups=all <&- >&-") == (0, "", "")
    assert shell(where, "sb mkdef -z <&-") == (1, "", shell(where, "sb mkdef -z </dev/null")[2])
    assert shell(where, "sb lsdef nope 2>&-") == (1, "No object definitions have been found\n", "")
    assert shell(where, "sb nodels <&-") == (0, "n1\n", "")


def test_a_reader_that_leaves_early_is_no_error(where: Path) -> None:
    assert shell(where, "sb lsdef -a -l -z | true")[2] == ""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("export -o /proc/none/x", "/proc/none/"),
        ("export -o /{long}", "File name too long"),
        ("export -o /proc/version/x", "/proc/version"),
        ("import /{long}", "File name too long"),
        ("import /none", "/none"),
        ("shims /proc/version/x", "/proc/version"),
        ("diff {long} x", "File name too long"),
        ("sbom /proc/version/x", "/proc/version/x"),
        ("sbom {long}", "File name too long"),
        ("diff /etc/shells/x /etc", "/etc/shells/x"),
    ],
)
def test_a_path_that_cannot_be_used_is_said_in_a_line(where: Path, command: str, said: str) -> None:
    code, out, err = shell(where, f"sb {command.format(long='x' * 300)}")
    assert (code, out) == (1, "")
    assert err.startswith("Error: ") and said in err and len(err.splitlines()) <= 2
