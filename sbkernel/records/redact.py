"""Remove known secrets from a notebook: from sources, outputs and metadata, in every spelling that they may have."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from sbkernel.definitions.attributes import TYPES, has_secrets, is_secret
from sbkernel.definitions.secret import HIDDEN, resolve
from sbkernel.definitions.store import dburl
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

SHORTEST = 4  # hiding each "a" would destroy the record and hide nothing
_SECRET_NAME = re.compile(r"(?i)(passw(or)?d|passphrase|secret|token|api_?key)")


def spellings(secret: str) -> set[str]:
    """Return the ways to write a secret: as it is, in HTML, JSON, a Python literal or a URL."""
    plain = {secret, html.escape(secret), html.escape(secret, quote=False), quote(secret, safe="")}
    return plain | {json.dumps(secret)[1:-1], repr(secret)[1:-1]}


def redact(value: Any, secrets: Iterable[str]) -> Any:
    """Replace secrets in a value of a notebook, in place where possible; return the new value."""
    return redactor(secrets)(value)


def redactor(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """Return what replaces secrets in a value as `redact` does, for those who have many values."""
    known = {way for secret in secrets if len(secret) >= SHORTEST for way in spellings(secret)}
    if not known:
        return lambda value: value
    pattern = re.compile("|".join(re.escape(way) for way in sorted(known, key=len, reverse=True)))
    return lambda value: _replace(value, pattern)


def _replace(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, dict):
        for key in value:
            value[key] = _replace(value[key], pattern)
    elif isinstance(value, list):
        value[:] = [_replace(item, pattern) for item in value]
    return value


def is_secret_name(name: str) -> bool:
    """Tell whether a variable or a parameter of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def from_environment(environment: Mapping[str, str] = os.environ) -> set[str]:
    """Return the values of environment variables with secret names, and the password of the database."""
    named = {value for name, value in environment.items() if is_secret_name(name) and len(value) >= 2 * SHORTEST}
    return named | dburl.secrets(environment.get(SERVER_VARIABLE, ""))


def secrets_of_site(site: Site) -> set[str]:
    """Return the secrets of the site: the passwords in objects of all types, groups included.

    A secret that is kept elsewhere and cannot be read is left out: this run cannot have read it either.
    """
    found = set()
    for value in {value for objtype in TYPES for value in _stored(site, objtype) if value}:
        with suppress(SbkernelError):
            found.add(resolve(value).reveal())
    return found


def _stored(site: Site, objtype: str) -> Iterator[str]:
    for values in site.store.objects(objtype).values() if has_secrets(objtype) else ():
        yield from (value for key, value in values.items() if is_secret(objtype, key))


def known(site: Site) -> set[str]:
    """Return the secrets that this run could write: those of the environment and of the site."""
    return from_environment() | secrets_of_site(site)
