"""The tar file that the initrd unpacks over the root of a node: its name, keys and systemd units. Pure."""

from __future__ import annotations

import functools
import hashlib
import secrets
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sbkernel.definitions.secret import Secret
from sbkernel.netboot.render import render_template
from sbkernel.netboot.server import Server

# Any fixed time. With a changing one, the same files would give other bytes.
_MTIME_S = 315532800
_END = bytes(2 * tarfile.BLOCKSIZE)
"""The end of an archive. Tapes wanted it filled up to 10 kB; that would be two fifths of what nodes fetch."""
UNITS = ("sbkernel-hostkeys.service", "sbkernel-report.service")
_SYSTEMD = "etc/systemd/system"
_WANTS = f"{_SYSTEMD}/multi-user.target.wants"

# path on the node and in templates/overlay -> mode
_OWN_FILES = {"etc/hostname": 0o644, "etc/hosts": 0o644, "etc/machine-id": 0o444}
_LOG = "etc/rsyslog.d/90-sbkernel.conf"
_SHARED_FILES = {
    _LOG: 0o644,
    **{f"{_SYSTEMD}/{unit}": 0o644 for unit in UNITS},
    "root/.ssh/authorized_keys": 0o600,
    "usr/lib/sbkernel/report": 0o755,
}
_TIME_SERVERS = "etc/chrony/sources.d/sbkernel.sources"
SCRIPTS = "usr/lib/sbkernel/postscripts"
_SCRIPTS_UNIT = "sbkernel-postscripts.service"
_SCRIPTS_FILES = {f"{_SYSTEMD}/{_SCRIPTS_UNIT}": 0o644, f"{SCRIPTS}/run": 0o755}
_ROOT_PASSWORD = "run/sbkernel/root-password"  # noqa: S105 - a path


@dataclass(frozen=True)
class Shared:
    """What many nodes have in common."""

    server: Server
    authorized_keys: str
    ntpservers: tuple[str, ...] = ()
    root_password: Secret | None = field(default=None, repr=False)
    forwards_log: bool = True


class Own(NamedTuple):
    """What only one node has."""

    node: str
    machine_id: str
    ip: str = ""
    domain: str = ""


def paths() -> frozenset[str]:
    """Return every path (etc/hostname) that the overlay of a node may bring."""
    scripts = (*_SCRIPTS_FILES, f"{SCRIPTS}/environment", f"{SCRIPTS}/list")
    links = (f"{_WANTS}/{one}" for one in (*UNITS, _SCRIPTS_UNIT))
    return frozenset((*_OWN_FILES, *_SHARED_FILES, _TIME_SERVERS, _ROOT_PASSWORD, *scripts, *links))


def machine_ids(site_key: str) -> Callable[[str], str]:
    """Return what tells a node's machine-id(5): the same at every boot, and impossible to guess from the name."""
    begun = hashlib.sha256(f"machine-id\0{site_key}\0".encode())

    def machine_id(node: str) -> str:
        whole = begun.copy()
        whole.update(node.encode())
        return whole.hexdigest()[:32]

    return machine_id


def overlay_tar(own: Own, shared: bytes, more: bytes = b"") -> bytes:
    """Return the tar file of a node; `shared` comes from `shared_members`, `more` are members of its own.

    The same values give the same bytes.
    """
    return b"".join((_own_members(own), shared, more, _END))


def shared_members(shared: Shared) -> bytes:
    """Return the members that many nodes have in common, as bytes of a tar file."""
    modes = dict(_SHARED_FILES)
    if not shared.forwards_log:
        del modes[_LOG]
    if shared.ntpservers:
        modes[_TIME_SERVERS] = 0o644
    if shared.root_password:
        modes[_ROOT_PASSWORD] = 0o600
    ssh = member("root/.ssh", 0o700, kind=tarfile.DIRTYPE)
    return b"".join((ssh, _files(modes, _values(shared)), *map(_wanted, UNITS)))


@functools.cache
def running_scripts() -> bytes:
    """Return the members with which a node runs scripts after boot, as bytes of a tar file."""
    return _files(_SCRIPTS_FILES, {}) + _wanted(_SCRIPTS_UNIT)


def _own_members(own: Own) -> bytes:
    """Return the members that only one node has, filled into what is made once for all with values as long as these."""
    values = {b"node": own.node.encode(), b"ip": own.ip.encode(), b"machine_id": own.machine_id.encode()}
    return _members_with_gaps(tuple(map(len, values.values())), own.domain) % values


_GAPS = {what: f"{what}-{secrets.token_hex(12)}" for what in ("node", "ip", "machine_id")}
"""What stands in the texts where each node has a value of its own; no text holds one by chance."""


@functools.lru_cache(256)
def _members_with_gaps(lengths: tuple[int, ...], domain: str) -> bytes:
    """Return the members with `%(node)b` and the like for values of these lengths, which the headers tell."""
    # An address decides what is written by being there at all.
    values = {what: gap if length else "" for (what, gap), length in zip(_GAPS.items(), lengths, strict=True)}
    members = b""
    for name, mode in sorted(_OWN_FILES.items()):
        content = render_template(f"overlay/{name}", domain=domain, **values).encode()
        gaps = zip(_GAPS.values(), lengths, strict=True)
        size = len(content) + sum(content.count(gap.encode()) * (length - len(gap)) for gap, length in gaps)
        members += _head(name, mode, size, tarfile.REGTYPE, "") + content + _filling(size)
    members = members.replace(b"%", b"%%")
    for what, gap in _GAPS.items():
        members = members.replace(gap.encode(), f"%({what})b".encode())
    return members


def _wanted(unit: str) -> bytes:
    return member(f"{_WANTS}/{unit}", 0o777, kind=tarfile.SYMTYPE, link=f"../{unit}")


def _values(shared: Shared) -> dict[str, object]:
    return {
        "host": shared.server.log_host or shared.server.host,
        "syslog_port": shared.server.syslog_port,
        "ntpservers": shared.ntpservers,
        "authorized_keys": shared.authorized_keys.rstrip("\n"),
        "root_password": shared.root_password.reveal() if shared.root_password else "",
    }


def _files(modes: Mapping[str, int], values: Mapping[str, object]) -> bytes:
    texts = {name: render_template(f"overlay/{name}", **values).encode() for name in sorted(modes)}
    return b"".join(member(name, modes[name], content) for name, content in texts.items())


def member(name: str, mode: int, content: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return one member of a tar file. Its owner is root, and its time always the same."""
    return _head(name, mode, len(content), kind, link) + content + _filling(len(content))


def _filling(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


@functools.lru_cache(256)
def _head(name: str, mode: int, size: int, kind: bytes, link: str) -> bytes:
    """Return the header of a member; those of one file have few sizes, however many nodes there are."""
    head = tarfile.TarInfo(name)
    head.mode, head.size, head.type, head.linkname, head.mtime = mode, size, kind, link, _MTIME_S
    head.uname = head.gname = "root"
    return head.tobuf(tarfile.USTAR_FORMAT)
