"""What a new site contains, and what it takes from this host: free ports and the time zone."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sbkernel.definitions.store.interface import Values
from sbkernel.errors import SbkernelError

# Below the range that the kernel uses for outgoing connections (ip_local_port_range).
_PORTS = range(20000, 32000)
_OSVERS, _OSARCH = "debian12", "x86_64"


def site_values(http_port: int, syslog_port: int, timezone: str) -> Values:
    """Return the settings of a new site. All others have the defaults that the attribute table names."""
    values = {"httpport": str(http_port), "syslogport": str(syslog_port), "timezone": timezone}
    return {key: value for key, value in values.items() if value}


def groups() -> dict[str, Values]:
    """Return the groups that only tables show: what every node, and every service node, runs after it has booted."""
    return {
        "service": {"postscripts": "servicenode"},
        "xcatdefaults": {"postbootscripts": "otherpkgs", "postscripts": "syslog,remoteshell,syncfiles"},
    }


def osimages(shared: Path, installdir: Path) -> dict[str, Values]:
    """Return the image definitions that we ship, by name. Their lists lie in the directory `shared`."""
    return {
        f"{_OSVERS}-{_OSARCH}-netboot-{role}": _osimage(role, shared, installdir) for role in ("compute", "service")
    }


def _osimage(role: str, shared: Path, installdir: Path) -> Values:
    lists = shared / "netboot" / "debian" / f"{role}.{_OSVERS}.{_OSARCH}"
    own = {"exlist": f"{lists}.exlist", "pkglist": f"{lists}.pkglist"}
    return netboot_osimage(_OSVERS, _OSARCH, role, installdir) | own


def netboot_osimage(osvers: str, osarch: str, role: str, installdir: Path) -> Values:
    """Return what every stateless osimage of a distribution has; its lists and package sources are not among it."""
    return {
        "imagetype": "linux",
        "osarch": osarch,
        "osname": "Linux",
        "osvers": osvers,
        "permission": "755",
        "profile": role,
        "provmethod": "netboot",
        "rootimgdir": str(installdir / "netboot" / osvers / osarch / role),
    }


def free_ports(preferred: tuple[int, int] | None) -> tuple[int, int]:
    """Return a free port for HTTP and one for syslog.

    Only the user's default site may take the preferred ports: other sites would take them while its service is down.
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
    """Return the time zone of this host, such as Europe/Vienna; "" if it is unknown."""
    with contextlib.suppress(OSError):
        if name := Path("/etc/timezone").read_text().strip():
            return name
    with contextlib.suppress(OSError):
        return str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
    return ""
