"""The private configuration apt runs with: own directories, the host's way to the network (apt.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# Acquire settings that say how to reach mirrors; the others say what to fetch or where to put it.
_NETWORK = re.compile(
    r"Acquire::(?!IndexTargets|Changelogs|CompressionTypes|GzipIndexes|Languages|cdrom|PDiffs|AllowInsecure"
    r"|AllowWeak|AllowDowngrade)\S+ \".*\";"
)

# apt would otherwise pull in usrmerge, and with it all of perl, to convert a tree that mmdebstrap's merged-usr hook
# lays out merged from the start. Debian 12 only; later releases ship the tree merged.
PREFERENCES = "Package: usrmerge\nPin: release *\nPin-Priority: -1\n"


def kept_out(names: Iterable[str]) -> str:
    """Return preferences by which packages, names or patterns, are never installed."""
    return "\n".join(f"Package: {name}\nPin: version *\nPin-Priority: -1\n" for name in names)


def network_settings(dump: str) -> str:
    """Return the lines of `apt-config dump` that say how the host reaches mirrors: proxies, TLS, time-outs."""
    return "".join(f"{line}\n" for line in dump.splitlines() if _NETWORK.fullmatch(line))


NETRC = "/etc/apt/auth.conf"
"""Where this host keeps its logins to mirrors."""

OF_HOST = (
    "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d",
    NETRC, f"{NETRC}.d",
)  # fmt: skip
"""Where this host says which mirrors there are, whom to trust, and how to log in."""


def apt_conf(directory: Path, architecture: str, network: str, netrc: str = NETRC) -> str:
    """Return apt.conf for resolving into nothing: an empty status, own lists, and no setting of the host but `network`.

    `directory` holds etc/, state/ and cache/, `netrc` the logins.
    """
    return f"""\
Dir::Etc "{directory}/etc";
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{directory}/etc/sources.list.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{directory}/etc/preferences.d";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::Etc::netrc "{netrc}";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "{directory}/state";
Dir::State::status "{directory}/state/status";
Dir::Cache "{directory}/cache";
Dir::Cache::archives "{directory}/archives";
Dir::Log "{directory}/log";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
{BUILD_OPTIONS}{network}"""


BUILD_OPTIONS = """\
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
pkgCacheGen::ForceEssential ",";
"""
