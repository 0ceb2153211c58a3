"""A package as it is installed in an image."""

from __future__ import annotations

from typing import Any, NamedTuple


class Package(NamedTuple):
    """One installed version of a package; what is not known is empty.

    `family` is the name of its format, `version` is as the package manager writes it, with the epoch unless that is
    none. `size_bytes` is what it takes on disk, `section` the group it is sorted into, `origin` the repository or,
    where that is not known, the vendor, `licence` a name or expression as the package gives it. `explicit` tells
    whether somebody asked for it, None if nothing tells. `replaces` are the names whose place it takes, `sha256` is
    the sum of its package file.
    """

    name: str
    version: str
    arch: str
    family: str = ""
    size_bytes: int = 0
    source: str = ""
    source_version: str = ""
    section: str = ""
    priority: str = ""
    origin: str = ""
    licence: str = ""
    explicit: bool | None = None
    maintainer: str = ""
    homepage: str = ""
    summary: str = ""
    replaces: tuple[str, ...] = ()
    sha256: str = ""

    def __str__(self) -> str:
        """Return name=version:arch: what layers and manifests call it."""
        return f"{self.name}={self.version}:{self.arch}"

    @property
    def key(self) -> tuple[str, str]:
        """Return name and architecture: what stays the same when the version moves."""
        return self.name, self.arch

    def as_dict(self) -> dict[str, Any]:
        """Return all fields as an entry of a manifest has them: `size` in bytes, `replaces` a list."""
        fields = self._asdict()
        size_bytes = fields.pop("size_bytes")
        return {**fields, "replaces": list(self.replaces), "size": size_bytes}

    @classmethod
    def from_dict(cls, entry: dict[str, Any], family: str = "") -> Package:
        """Return the package of a manifest's entry; fields that a later version added are left out.

        Raises KeyError, TypeError or ValueError when it is no such entry.
        """
        if not all(isinstance(entry[key], str) for key in ("name", "version", "arch")):
            raise TypeError("name, version and arch are texts")
        given = {key: value for key, value in entry.items() if key in _FIELDS}
        given |= {"size_bytes": int(entry.get("size", 0)), "family": given.get("family", family)}
        if "replaces" in given:
            given["replaces"] = tuple(given["replaces"])
        return cls(**given)


_FIELDS = frozenset(Package._fields)
_DEFAULTS = Package("", "", "")._asdict()
ALWAYS = frozenset({"name", "version", "arch", "size"})


def shortened(package: Package) -> dict[str, Any]:
    """Return the entry of a package without the fields that are empty; name, version, arch and size always stay."""
    return {key: value for key, value in package.as_dict().items() if key in ALWAYS or _is_known(key, value)}


def _is_known(key: str, value: Any) -> bool:
    return key != "family" and value != [] and value != _DEFAULTS[key]
