"""Passwords in the addresses of sources: apt gets them from a file that nobody else may read (apt_auth.conf(5)).

In an address they would come back with each package, and so be in command lines, manifests and what nodes fetch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from sbkernel.errors import DefinitionError
from sbkernel.images.families.debian.sources import AptSource, has_login
from sbkernel.images.families.places import shown


def without(source: AptSource) -> AptSource:
    """Return a source without user and password in its address."""
    return replace(source, uri=shown(source.uri)) if has_login(source) else source


def auth_conf(chosen: Iterable[AptSource], of_host: str) -> str:
    """Return the file with which apt logs in to the sources that need it, `of_host` behind it; "" when none does.

    Raises DefinitionError for a user or password that the file cannot hold.
    """
    entries = list(dict.fromkeys(_entry(source) for source in chosen if has_login(source)))
    return "".join([*entries, of_host]) if entries else ""


def _entry(source: AptSource) -> str:
    parts = urlsplit(source.uri)
    words = [unquote(word or "") for word in (parts.username, parts.password)]
    if any(not word.isprintable() or " " in word or word.startswith('"') for word in words) or not all(words):
        raise DefinitionError(
            f"apt cannot log in to {shown(source.uri)}: it takes a user and a password without blanks",
            hint="write http://USER:PASSWORD@HOST, or keep them in /etc/apt/auth.conf of this host",
        )
    return f"machine {shown(source.uri)} login {words[0]} password {words[1]}\n"
