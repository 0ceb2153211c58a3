"""What a new site holds. Pure: the caller says where things are and which ports are free."""

from __future__ import annotations

from pathlib import Path

from sbkernel.definitions.store.interface import Values

SITE = "clustersite"
"""Name of the one object of type site."""

_OSVERS, _OSARCH = "debian12", "x86_64"


def site_values(http_port: int, syslog_port: int, timezone: str) -> Values:
    """Return the settings of a new site; what is unset has the default that the attribute table names."""
    values = {"httpport": str(http_port), "syslogport": str(syslog_port), "timezone": timezone}
    return {key: value for key, value in values.items() if value}


def groups() -> dict[str, Values]:
    """Return the groups that are rows of tables only: what every node, and every service node, runs after boot."""
    return {
        "service": {"postscripts": "servicenode"},
        "xcatdefaults": {"postbootscripts": "otherpkgs", "postscripts": "syslog,remoteshell,syncfiles"},
    }


def osimages(shared: Path, installdir: Path) -> dict[str, Values]:
    """Return the shipped image definitions by name; their lists lie in the directory `shared`."""
    return {
        f"{_OSVERS}-{_OSARCH}-netboot-{role}": _osimage(role, shared, installdir) for role in ("compute", "service")
    }


def _osimage(role: str, shared: Path, installdir: Path) -> Values:
    lists = shared / "netboot" / "debian" / f"{role}.{_OSVERS}.{_OSARCH}"
    return {
        "exlist": f"{lists}.exlist",
        "imagetype": "linux",
        "osarch": _OSARCH,
        "osname": "Linux",
        "osvers": _OSVERS,
        "permission": "755",
        "pkglist": f"{lists}.pkglist",
        "profile": role,
        "provmethod": "netboot",
        "rootimgdir": str(installdir / "netboot" / _OSVERS / _OSARCH / role),
    }
