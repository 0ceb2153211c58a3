"""The first entry of pkgdir where it is a container image: oci:, oci-archive:, docker-archive:, docker://. Pure.

It may be followed by gpgcheck=0, whatever the host's policy says of signatures (containers-policy.json(5)), and one of
a registry by tlsverify=0, for one without TLS or with a certificate that nobody vouches for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sbkernel.errors import DefinitionError
from sbkernel.images.families.places import shown

REGISTRY = "docker"
_OPTION = re.compile(r"\s+(\w+)=(\S*)$")
_KNOWN = {"gpgcheck", "tlsverify"}
_TAG = r"[A-Za-z0-9_][\w.-]{0,127}"
_NAME = re.compile(rf"//[A-Za-z0-9\[][\w.:\[\]-]*(/[a-z0-9][\w.-]*)+(:{_TAG})?(@sha256:[0-9a-f]{{64}})?")
_WORDS = re.compile(rf"(?:[\w./-]+:)?{_TAG}")


@dataclass(frozen=True)
class Reference:
    """Where a container image is: the kind of place, the directory, file or registry, and which one of it."""

    transport: str
    place: str
    which: str = ""
    check: bool = True
    tls: bool = True

    def __str__(self) -> str:
        """Return it as skopeo has it (containers-transports(5))."""
        return f"{self.transport}:{self.place}" + (f":{self.which}" if self.which else "")

    @property
    def remote(self) -> bool:
        """Tell whether a registry has it."""
        return self.transport == REGISTRY

    @property
    def digest(self) -> str:
        """Return the digest that it names, sha256:…, or an empty string."""
        return self.place.partition("@")[2] if self.remote else ""

    def at(self, digest: str) -> str:
        """Return the reference of exactly that digest where there can be one, else of what is there now."""
        if not self.remote:
            return str(self)
        name = self.place.partition("@")[0]
        host, slash, rest = name.rpartition("/")
        return f"{self.transport}:{host}{slash}{rest.partition(':')[0]}@{digest}"


def parse(entry: str) -> Reference:
    """Read an entry; DefinitionError for what is no reference, or cannot be used."""
    rest, options = entry.strip(), dict[str, str]()
    while match := _OPTION.search(rest):
        options[match[1]] = match[2]
        rest = rest[: match.start()]
    transport, _, place = rest.partition(":")
    _check_options(entry, transport, options)
    check, tls = (options.get(name, "1") == "1" for name in ("gpgcheck", "tlsverify"))
    if transport == REGISTRY:
        return _of_registry(place, check=check, tls=tls)
    path, _, which = place.partition(":")
    if not path.startswith("/") or ".." in path.split("/") or not path.isprintable():
        raise _wrong(entry, f"write {transport}:/PATH, the full path")
    if which and not _WORDS.fullmatch(which):
        raise _wrong(entry, f"write {transport}:/PATH:TAG; the path cannot hold a colon")
    return Reference(transport, path, which, check)


def _of_registry(place: str, *, check: bool, tls: bool) -> Reference:
    if "@" in place.removeprefix("//").partition("/")[0]:
        hint = "log in once: skopeo login HOST; it is kept in your containers/auth.json, which is read here"
        raise DefinitionError(f"pkgdir: {shown(f'docker:{place}')} holds a login", hint=hint)
    if not _NAME.fullmatch(place):
        raise _wrong(f"docker:{place}", "write docker://HOST/NAME:TAG, or docker://HOST/NAME@sha256:DIGEST")
    return Reference(REGISTRY, place, check=check, tls=tls)


def _check_options(entry: str, transport: str, options: dict[str, str]) -> None:
    for name, value in options.items():
        if name not in _KNOWN or (name == "tlsverify" and transport != REGISTRY):
            more = "; whose signatures count is in containers/policy.json" if name == "gpgkey" else ""
            raise _wrong(entry, f"{name}= is not for {transport}:{more}")
        if value not in ("0", "1"):
            raise _wrong(entry, f"{name}={value} is neither 0 nor 1")


def _wrong(entry: str, hint: str) -> DefinitionError:
    return DefinitionError(f"pkgdir: {shown(entry)!r} is no container image", hint=hint)
