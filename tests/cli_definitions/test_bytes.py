"""Bytes that are no UTF-8 go in and come out as they were, in any locale."""

import os
import subprocess
import sys
from pathlib import Path

STANZA = b"a:\n    objtype=osimage\n    imagetype=linux\n    usercomment=caf\xe9 \xc3\xa9\n"


def sb(where: Path, *words: str, stdin: bytes = b"") -> bytes:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(where), *words]
    return subprocess.run(argv, input=stdin, env=environment, capture_output=True, check=True).stdout


def test_latin_1_in_a_stanza_file(tmp_path: Path) -> None:
    sb(tmp_path, "mkdef", "-z", stdin=STANZA)
    assert b"    usercomment=caf\xe9 \xc3\xa9\n" in sb(tmp_path, "lsdef", "-t", "osimage", "a")
    assert STANZA in sb(tmp_path, "lsdef", "-t", "osimage", "a", "-z")
