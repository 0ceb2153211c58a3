"""A keyring backend for the tests: keyring loads it by name from $PYTHON_KEYRING_BACKEND, entries are files."""

import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Keyring(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def _file(self, service: str, username: str) -> Path:
        return Path(os.environ["KEYRING_DIRECTORY"]) / f"{service}-{username}"

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise KeyringLocked("the collection of hunter2 is locked")
        file = self._file(service, username)
        return file.read_text() if file.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file(service, username).write_text(password)
