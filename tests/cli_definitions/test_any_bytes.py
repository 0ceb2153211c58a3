"""Text that is no UTF-8 passes through as it is, in every locale; names have to be UTF-8."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def sb(where: Path, *words: str | bytes, stdin: bytes = b"", errors: str = "strict") -> tuple[int, bytes, bytes]:
    code = "from sbkernel.cli.main import main; main()"
    environ = {**os.environ, "PYTHONIOENCODING": f"utf-8:{errors}"}
    command = [sys.executable, "-c", code, "--site", str(where), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=ROOT, env=environ, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_value_comes_out_as_it_went_in(tmp_path: Path, errors: str) -> None:
    made = sb(tmp_path, "mkdef", "-z", stdin=b"n1:\n objtype=node\n groups=all\n usercomment=caf\xe9\n", errors=errors)
    assert made == (0, b"1 object definitions have been created or modified.\n", b"")
    assert b"    usercomment=caf\xe9\n" in sb(tmp_path, "lsdef", "n1", errors=errors)[1]
    assert sb(tmp_path, "nodels", "n1", "nodelist.comments", errors=errors)[1] == b"n1: caf\xe9\n"


def test_a_stanza_comes_out_as_it_went_in(tmp_path: Path) -> None:
    text = b"a:\n    objtype=osimage\n    imagetype=linux\n    usercomment=caf\xe9 \xc3\xa9\n"
    sb(tmp_path, "mkdef", "-z", stdin=text)
    assert text in sb(tmp_path, "lsdef", "-t", "osimage", "a", "-z")[1]


def test_a_name_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    status, out, err = sb(tmp_path, "nodels", b"n\xff")
    assert (status, out) == (1, b"")
    assert err.startswith(b"Error: a name holds bytes that are no UTF-8")
