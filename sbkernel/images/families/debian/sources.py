"""Package sources as values: read both formats of apt, keep what fits an image, write deb822 (sources.list(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from sbkernel.errors import DefinitionError, ListFileError
from sbkernel.images.families.places import Place, shown

# one-line option -> deb822 field, where capitalising the words is not enough (sources.list(5), "OPTIONS")
_FIELDS = {"arch": "Architectures", "lang": "Languages", "target": "Targets", "pdiffs": "PDiffs"}
_OWN_FIELDS = {"Types", "Uris", "Suites", "Components", "Enabled"}
_OPTION = re.compile(r"([A-Za-z-]+)([+-]?=)(\S+)")
_NO_SUITE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?\S+")
_ADDRESS = re.compile(r"[a-z][a-z0-9+]*:")
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")


@dataclass(frozen=True)
class AptSource:
    """One repository of binary packages: where, which suite, which components, and its options as deb822 fields."""

    uri: str
    suite: str
    components: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the source as a deb822 stanza."""
        fields = [("Types", "deb"), ("URIs", self.uri), ("Suites", self.suite)]
        fields += [("Components", " ".join(self.components))] if self.components else []
        return "".join(_field(name, value) for name, value in (*fields, *self.options))

    def option(self, name: str) -> str:
        """Return the value of a deb822 field, or an empty string."""
        return dict(self.options).get(name, "")


def _field(name: str, value: str) -> str:
    first, *rest = value.split("\n")
    return "".join([f"{name}: {first}\n".replace(": \n", ":\n"), *(f" {line.strip() or '.'}\n" for line in rest)])


def render(sources: Iterable[AptSource]) -> str:
    """Return sources as the text of a `.sources` file."""
    return "\n".join(str(source) for source in sources)


def parse(text: str, file: str | Path) -> list[AptSource]:
    """Read a `.list` or `.sources` file by its name; raise ListFileError with file:line."""
    reader = _parse_deb822 if str(file).endswith(".sources") else _parse_lines
    return list(reader(text, str(file)))


def _parse_lines(text: str, file: str) -> Iterator[AptSource]:
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.split("#", 1)[0].strip()
        if bare:
            source = parse_line(bare, file, number)
            if source is not None:
                yield source


def parse_line(line: str, file: str = "sources.list", number: int = 1) -> AptSource | None:
    """Read one line `deb [options] URI suite components`; None for sources of other kinds, such as deb-src."""
    match = re.fullmatch(r"(\S+)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)", line.strip())
    if match is None:
        raise ListFileError(file, number, f"not an apt source: {shown(line)!r}", hint="write: deb URL suite components")
    kind, options, uri, suite, components = match.groups()
    if kind != "deb" or uri.startswith("cdrom:"):
        return None
    fields = tuple((_field_name(name), value.replace(",", " ")) for name, _, value in _OPTION.findall(options or ""))
    return AptSource(uri, suite, tuple(components.split()), fields)


def _field_name(option: str) -> str:
    return _FIELDS.get(option.lower(), "-".join(word.capitalize() for word in option.split("-")))


def _parse_deb822(text: str, file: str) -> Iterator[AptSource]:
    for number, fields in _stanzas(text, file):
        missing = [name for name in ("Types", "Uris", "Suites") if not fields.get(name)]
        if missing:
            raise ListFileError(file, number, f"source without {' and '.join(missing)}")
        if "deb" not in fields["Types"].split() or fields.get("Enabled", "yes").lower() in ("no", "false", "0"):
            continue
        options = tuple((name, value) for name, value in fields.items() if name not in _OWN_FIELDS)
        for uri in fields["Uris"].split():
            for suite in fields["Suites"].split():
                yield AptSource(uri, suite, tuple(fields.get("Components", "").split()), options)


def _stanzas(text: str, file: str) -> Iterator[tuple[int, dict[str, str]]]:
    fields: dict[str, str] = {}
    start, name = 1, ""
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield start, fields
            fields, name = {}, ""
        elif line[0] in " \t" and name:
            fields[name] = f"{fields[name]}\n{line.strip()}"
        elif match := _FIELD.fullmatch(line):
            start = start if fields else number
            name = _field_name(match[1])
            fields[name] = match[2].strip()
        else:
            raise ListFileError(file, number, f"not a deb822 field: {line!r}")


def fits(source: AptSource, codename: str, architecture: str) -> bool:
    """Tell whether a source belongs to a release: bookworm, bookworm-updates, …; a flat repository belongs to none."""
    architectures = source.option("Architectures").split()
    return re.match(rf"{re.escape(codename)}(?:[-/]|$)", source.suite) is not None and (
        not architectures or architecture in architectures
    )


def for_release(sources: Iterable[AptSource], codename: str, architecture: str) -> tuple[AptSource, ...]:
    """Return the sources of the host that fit an image, each once; raise DefinitionError if there are none."""
    chosen = tuple(dict.fromkeys(source for source in sources if fits(source, codename, architecture)))
    if not chosen:
        raise DefinitionError(
            f"no apt source of this host is for {codename}",
            hint=f"set pkgdir of the osimage, for example: pkgdir='URL {codename} main'",
        )
    return chosen


def from_place(place: Place, attribute: str, codename: str, components: Sequence[str]) -> AptSource:
    """Return the source of an address: `URL suite components`, with defaults for what is not there.

    A key that the place names must have signed it, unless it says gpgcheck=0; DefinitionError for anything else.
    """
    line = place.text if place.text.startswith("deb ") else f"deb {place.text}"
    if _NO_SUITE.fullmatch(line):
        line = f"{line} {codename}"
    try:
        source = parse_line(line, attribute)
    except ListFileError as error:
        source, hint = None, error.hint
    else:
        hint = None
    if source is None or not _ADDRESS.match(source.uri):
        raise DefinitionError(
            f"{attribute}: {shown(place.text)!r} is neither a directory nor 'URL suite components'", hint=hint
        )
    if not source.components and not source.suite.endswith("/"):
        source = replace(source, components=tuple(components))
    return replace(source, options=(*source.options, *_by_key(place)))


def _by_key(place: Place) -> list[tuple[str, str]]:
    for key in place.keys:
        if key.suffix not in (".gpg", ".asc", ".pgp"):
            raise DefinitionError(
                f"gpgkey={key}: apt tells keys by their names", hint="call it .asc if it is text, else .gpg"
            )
    if place.check is False:
        return [("Trusted", "yes")]
    return [("Signed-By", " ".join(map(str, place.keys)))] if place.keys else []


def reachable_by_nodes(source: AptSource) -> bool:
    """Tell whether a node can and may use the source: no directory of the build host, no address with a password."""
    return not source.uri.startswith(("copy:", "file:")) and not has_login(source)


def has_login(source: AptSource) -> bool:
    """Tell whether there is a user, or a password, in the address."""
    return "@" in urlsplit(source.uri).netloc


def by_copy(source: AptSource) -> AptSource:
    """Return the source such that apt copies local packages, since file: paths do not exist inside the image."""
    if not source.uri.startswith("file:"):
        return source
    return AptSource("copy:" + source.uri.removeprefix("file:"), source.suite, source.components, source.options)
