"""Make SSH keys and password hashes. Pure: values in, values out; the libraries load when first needed."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from sbkernel.definitions.secret import Secret
from sbkernel.errors import ToolMissingError

if TYPE_CHECKING:
    import ctypes

_CRYPT = ("libcrypt.so.1", "libcrypt.so.2")
_SALT = string.ascii_letters + string.digits + "./"


def new_ssh_key(comment: str) -> tuple[Secret, str]:
    """Return a new ed25519 key: the private half as OpenSSH writes it, and the public line."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Secret(private), f"{public} {comment}"


def is_hash(value: str) -> bool:
    """Say whether a stored password is already a hash of crypt(5)."""
    return value.startswith(("$1$", "$5$", "$6$", "$y$", "$2b$"))


def salt_for(password: Secret, key: bytes) -> str:
    """Return the salt of a password that is hashed anew each time: the same for the same password and key.

    So a second nodeset writes the same file; without the key nobody learns anything from the salt.
    """
    import hashlib

    digest = hashlib.blake2b(password.reveal().encode(), key=hashlib.sha512(key).digest()).digest()
    return "".join(_SALT[byte % len(_SALT)] for byte in digest[:16])


def sha512_crypt(password: Secret, salt: str = "") -> Secret:
    """Return the hash that /etc/shadow holds ($6$, crypt(5)), with a new random salt unless one is given.

    Python 3.13 has no crypt module; the C library's own function is in every distribution.
    """
    import secrets

    salt = salt or "".join(secrets.choice(_SALT) for _ in range(16))
    hashed = _crypt()(password.reveal().encode(), f"$6$rounds=100000${salt}$".encode())
    if not hashed or not hashed.startswith(b"$6$"):
        raise ToolMissingError("libcrypt cannot make sha512 hashes")
    return Secret(hashed.decode())


def _crypt() -> ctypes._NamedFuncPointer:
    import ctypes

    for name in _CRYPT:
        try:
            function = ctypes.CDLL(name).crypt
        except OSError:
            continue
        function.argtypes, function.restype = [ctypes.c_char_p, ctypes.c_char_p], ctypes.c_char_p
        return function
    raise ToolMissingError("libcrypt is not installed", hint="Debian: apt install libcrypt1")
