"""The little that a new site or a clone needs from this host: list files copied, free ports, the time zone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path

from sbkernel.definitions.cloning.clone import Copy
from sbkernel.definitions.cloning.relocate import list_text
from sbkernel.definitions.lookup import rebase_includes
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import made, write_whole

_PUBLIC_KEY = re.compile(r"(\S.* )?(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]{16,}( .*)?")
# Below the range from which the kernel takes ports of outgoing connections (ip_local_port_range).
_PORTS = range(20000, 32000)


def copy_lists(copies: Iterable[Copy], undo: contextlib.ExitStack) -> None:
    """Copy list files; `undo` removes those that were made. An existing file with other content is an error."""
    for copy in copies:
        content = _list_content(copy)
        made(copy.target.parent)
        if copy.target.exists():
            _refuse_other_content(copy, content)
            continue
        # First the undo: a file can be in its place and the write still fail, when its name cannot be made durable.
        undo.callback(copy.target.unlink, missing_ok=True)
        write_whole(copy.target, content, mode=copy.source.stat().st_mode & 0o755, durable=True)


def _list_content(copy: Copy) -> bytes:
    try:
        data = copy.source.read_bytes()
    except OSError as error:
        raise SbkernelError(
            f"{copy.source}: {error.strerror}", hint="The osimage names it; chdef can correct it."
        ) from None
    if not copy.rebase:
        return data
    text = data.decode(errors="surrogateescape")
    directory = copy.source.parent
    whole = list_text(text, directory, copy.moved) if copy.moved else rebase_includes(text, directory)
    return whole.encode(errors="surrogateescape")


def _refuse_other_content(copy: Copy, content: bytes) -> None:
    if copy.target.read_bytes() != content:
        raise DefinitionError(
            f"{copy.target} exists already and differs from {copy.source}",
            hint="Choose another name for the clone, or remove that file.",
        )


def check_public_keys(text: str) -> None:
    """Refuse a line that is neither a comment nor an OpenSSH public key (sshd(8), authorized_keys)."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#") and not _PUBLIC_KEY.fullmatch(line):
            raise DefinitionError(f"line {number} is not an OpenSSH public key")


def free_ports(preferred: tuple[int, int] | None) -> tuple[int, int]:
    """Return a port for HTTP and one for syslog on which nobody listens.

    Only the user's own site takes the preferred ones: others would choose the same while its service rests.
    """
    import random

    if preferred is not None and all(map(_free, preferred)):
        return preferred
    draw = random.SystemRandom()
    ports = (draw.choice(_PORTS) for _ in range(10_000))
    free = (port for port in ports if _free(port) and _free(port + 1))
    port = next(free, None)
    if port is None:
        raise SbkernelError("no TCP port is free on this host")
    return port, port + 1


def _free(port: int) -> bool:
    import socket

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104
            except OSError:
                return False
    return True


def host_timezone() -> str:
    """Return the time zone of this host, such as Europe/Vienna; "" when it does not say."""
    with contextlib.suppress(OSError):
        if name := Path("/etc/timezone").read_text().strip():
            return name
    with contextlib.suppress(OSError):
        return str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
    return ""
