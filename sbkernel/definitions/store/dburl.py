"""The address of a database server, $SBKERNEL_DB, which may hold a password that nobody is to see. Pure."""

from __future__ import annotations

import re
import urllib.parse

from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.errors import DefinitionError

# Stricter than libpq, which takes parts of a password with a bare @ or / for a host and repeats them in errors.
_SHAPE = re.compile(r"postgres(ql)?://([^@/?#\s]*@)?[^@/?#\s]*(/[^@?#\s]*)?(\?\S*)?")


def checked(url: str) -> str:
    """Return it; DefinitionError when it is no PostgreSQL URL. The message does not repeat it."""
    if not _SHAPE.fullmatch(url):
        raise DefinitionError(f"${SERVER_VARIABLE} is not the URL of a PostgreSQL database", hint=HINT)
    return url


HINT = (
    "Such as postgresql://USER@HOST:5432/DATABASE; a password is best kept in ~/.pgpass, else @ / ? # are %40 %2F ..."
)


def secrets(url: str) -> set[str]:
    """Return the passwords that a URL holds, as written and as meant."""
    user = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query) if _SHAPE.fullmatch(url) else {}
    words = {user, *query.get("password", []), *query.get("sslpassword", [])}
    return {word for word in words | {urllib.parse.unquote(word) for word in words} if word}


def redacted(url: str, text: str) -> str:
    """Return a text in which no password of the URL is left."""
    for word in sorted(secrets(url), key=len, reverse=True):
        text = text.replace(word, "***")
    return text
