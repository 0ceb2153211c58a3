"""Keys that sign rpm packages, made by the tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path


def new_key(place: Path) -> Iterator[Path]:
    """Make a key below a directory, its public half beside it, and end gpg's helpers at last."""
    place.chmod(0o700)
    env = {**os.environ, "GNUPGHOME": str(place)}
    generate = ["--passphrase", "", "--quick-gen-key", "Test <t@t.invalid>", "rsa2048", "sign", "never"]
    subprocess.run(["gpg", "--batch", "--quiet", *generate], check=True, capture_output=True, env=env)
    exported = subprocess.run(["gpg", "--armor", "--export"], check=True, capture_output=True, env=env).stdout
    (place / "public").write_bytes(exported)
    yield place
    subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True)


def sign(key: Path, *packages: Path) -> None:
    """Sign packages."""
    gpg = shutil.which("gpg")
    defines = ["--define", "_gpg_name Test", "--define", f"_gpg_path {key}", "--define", f"__gpg {gpg}"]
    subprocess.run(["rpmsign", *defines, "--addsign", *packages], check=True, capture_output=True,
                   env={**os.environ, "GNUPGHOME": str(key)})  # fmt: skip
