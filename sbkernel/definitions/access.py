"""Who may log in where: passwords of BMCs and of root, and the SSH keys of the site."""

from __future__ import annotations

from pathlib import Path

from sbkernel.definitions import keys
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.files import check_public_keys
from sbkernel.definitions.secret import Secret, resolve
from sbkernel.definitions.store.interface import Store
from sbkernel.errors import DefinitionError
from sbkernel.files import in_turn, write_whole

Login = tuple[str, Secret]


def login(store: Store, key: str, username: str | None = None) -> Login | None:
    """Return user and password of a passwd object: KEY:USER when it exists, else KEY if its user fits."""
    for name in ([f"{key}:{username}"] if username else []) + [key]:
        values = store.get("passwd", name) or {}
        if "password" in values and username in (None, values.get("username")):
            return values.get("username", ""), resolve(values["password"])
    return None


def bmc_login(store: Store, node: Definition) -> Login:
    """Return user and password of a node's BMC: the node's own, else those of passwd ipmi (or its mgt)."""
    username, password = node.get("bmcusername"), node.get("bmcpassword")
    if password:
        return username, resolve(password)
    found = login(store, node.get("mgt") or "ipmi", username or None)
    if found is None:
        raise DefinitionError(f"{node.name}: no password for its BMC", hint="sb passwd ipmi --username USER")
    return found


def ssh_key(directory: Path) -> Path:
    """Return the private key in a directory, made at first use; its public half lies beside it."""
    private = directory / "id_ed25519"
    if not private.exists():
        with in_turn(directory / ".lock"):
            if not private.exists():
                _make_ssh_key(private)
    return private


def _make_ssh_key(private: Path) -> None:
    secret, public = keys.new_ssh_key("sbkernel site")
    write_whole(private.with_suffix(".pub"), f"{public}\n", durable=True)
    write_whole(private, secret.reveal(), mode=0o600, durable=True)


def authorize(path: Path, own: str, public_keys: str) -> str:
    """Add public keys to an authorized_keys, the site's own always; return all of it."""
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
