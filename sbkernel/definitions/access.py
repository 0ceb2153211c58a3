"""Who may log in where: passwords of BMCs and of root with their hashes, and the SSH keys of the site."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import TYPE_CHECKING

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.secret import Secret, resolve
from sbkernel.definitions.store.interface import Store
from sbkernel.errors import DefinitionError, ToolMissingError
from sbkernel.files import in_turn, write_whole

if TYPE_CHECKING:
    import ctypes

_PUBLIC_KEY = re.compile(r"(\S.* )?(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]{16,}( .*)?")

Login = tuple[str, Secret]
_CRYPT = ("libcrypt.so.1", "libcrypt.so.2")
_SALT = string.ascii_letters + string.digits + "./"


def login(store: Store, key: str, username: str | None = None) -> Login | None:
    """Return user and password of a passwd object: KEY:USER if it exists, else KEY if the user is right."""
    for name in ([f"{key}:{username}"] if username else []) + [key]:
        values = store.get("passwd", name) or {}
        if "password" in values and username in (None, values.get("username")):
            return values.get("username", ""), resolve(values["password"])
    return None


def bmc_login(store: Store, node: Definition) -> Login:
    """Return user and password of a node's BMC: its own, else those of the passwd object of its mgt, else of ipmi."""
    username, password = node.get("bmcusername"), node.get("bmcpassword")
    if password:
        return username, resolve(password)
    found = login(store, node.get("mgt") or "ipmi", username or None) or login(store, "ipmi", username or None)
    if found is None:
        raise DefinitionError(f"{node.name}: no password for its BMC", hint="sb passwd ipmi --username USER")
    return found


def ssh_key(directory: Path) -> Path:
    """Return the private key in a directory. It is made on first use; the public key lies beside it."""
    private = directory / "id_ed25519"
    if not private.exists():
        with in_turn(directory / ".lock"):
            if not private.exists():
                _make_ssh_key(private)
    return private


def _make_ssh_key(private: Path) -> None:
    secret, public = new_ssh_key("sbkernel site")
    write_whole(private.with_suffix(".pub"), f"{public}\n", durable=True)
    write_whole(private, secret.reveal(), mode=0o600, durable=True)


def authorize(path: Path, own: str, public_keys: str) -> str:
    """Add public keys, and the site's own key, to an authorized_keys file; return the whole text."""
    check_public_keys(public_keys)
    _add(path, own)
    return _add(path, public_keys)


def _add(path: Path, public_keys: str) -> str:
    with in_turn(path.parent / ".lock"):
        text = path.read_text() if path.exists() else ""
        more = [line for line in public_keys.splitlines() if line.strip() and line not in text.splitlines()]
        if more:
            text = "".join(f"{line}\n" for line in [*text.splitlines(), *more])
            write_whole(path, text, durable=True)
    return text


def new_ssh_key(comment: str) -> tuple[Secret, str]:
    """Return a new ed25519 key: the private key as OpenSSH writes it, and the public line."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return Secret(private), f"{public} {comment}"


def is_hash(value: str) -> bool:
    """Tell whether a stored password is already a hash of crypt(5)."""
    return value.startswith(("$1$", "$5$", "$6$", "$y$", "$2b$"))


def salt_for(password: Secret, key: bytes) -> str:
    """Return the salt for a password that is hashed anew each time. It depends on the password and the key only.

    So a second nodeset writes the same file. Without the key, nobody learns anything from the salt.
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


def check_public_keys(text: str) -> None:
    """Refuse a line that is neither a comment nor an OpenSSH public key (sshd(8), authorized_keys)."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#") and not _PUBLIC_KEY.fullmatch(line):
            raise DefinitionError(f"line {number} is not an OpenSSH public key")
