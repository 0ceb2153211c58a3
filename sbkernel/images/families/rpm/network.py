"""How this host reaches mirrors, as its dnf.conf says (dnf.conf(5), proxy and sslcacert); the environment says more."""

from __future__ import annotations

import configparser
from pathlib import Path

_SETTINGS = ("proxy", "proxy_username", "proxy_password", "sslcacert")
DNF_CONF = Path("/etc/dnf/dnf.conf")


def settings(file: Path = DNF_CONF) -> dict[str, str]:
    """Return the settings of the host's dnf that say how to reach a mirror; none when there is no such file."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(file)
    except configparser.Error:
        return {}
    main = parser["main"] if parser.has_section("main") else {}
    return {name: main[name] for name in _SETTINGS if main.get(name)}
