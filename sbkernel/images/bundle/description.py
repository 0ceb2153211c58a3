"""What a bundle says of itself before its bytes: the version, the definition of its osimage, the lists. Pure.

A bundle is a plain tar: bundle.json, image.json, the lists, what the version is signed with, what the bundle is signed
with, the files of the version, roots last.
Paths of a site are written as {installdir}/... and {share}/..., so that the bundle of a version is the same wherever it
was made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sbkernel.definitions.clone import LISTS as CLONED
from sbkernel.definitions.validate import check_name
from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.catalog.version import BESIDE, CONTENT_LIST, ROOT, content_digest
from sbkernel.jobs.order import is_sha256

FORMAT, SEALED = 1, 2
"""What bundle.json calls a bundle; one that is sealed (seal.py) has two members more."""
PLACE = "sbkernel-image"
"""The directory that holds all members, so that an archive unpacked by hand makes no mess."""
BUNDLE, IMAGE, LISTS, VERSION = "bundle.json", "image.json", "lists", "version"
ENVIRONMENT = "environment"
FSTAB = "fstab"
"""What stands for the attribute of an fstab, which an osimage finds by its profile."""
LARGEST_TEXT = 16 << 20
"""Bytes that a file may have which is read whole: descriptions, lists, scripts."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_FOREIGN = "nothing was imported; ask where it was made for another one"
_KEY_ID = re.compile(r"[0-9A-F]{16}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LATEST = 253_402_300_800
"""Seconds since the epoch that a time may have at most: the calendar here ends with the year 9999."""


@dataclass(frozen=True)
class ListFile:
    """A file that the definition points to: for which attribute (or `fstab`), as which of its elements, its place."""

    attribute: str
    number: int
    path: str
    mode: int
    content: bytes

    @property
    def member(self) -> str:
        """Return its name in a bundle."""
        return f"{LISTS}/{self.attribute}.{self.number}"


@dataclass(frozen=True)
class Description:
    """A version as image.json says it, the attributes of its osimage (None: it has none any more), and its lists.

    `environment` are the variables of environvar, which are named although that is left out.
    """

    data: Mapping[str, Any]
    osimage: Mapping[str, str] | None
    lists: Sequence[ListFile]
    environment: Sequence[str] = ()

    @property
    def image(self) -> str:
        """Return the name of the osimage."""
        return str(self.data["image"])

    @property
    def digest(self) -> str:
        """Return the digest of the version."""
        return str(self.data["digest"])

    @property
    def files(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the facts of the version's files by name."""
        found: Mapping[str, Mapping[str, Any]] = self.data["files"]
        return found

    def text(self, *, sealed: bool = False) -> bytes:
        """Return bundle.json; the contents of lists are members of their own."""
        lists = [
            {key: value for key, value in asdict(one).items() if key != "content"}
            | {"sha256": hashlib.sha256(one.content).hexdigest(), "size": len(one.content)}
            for one in self.lists
        ]
        image = hashlib.sha256(as_json(self.data)).hexdigest()
        said = {
            "format": SEALED if sealed else FORMAT,
            "image": self.image,
            "digest": self.digest,
            "osimage": self.osimage,
            "lists": lists,
        }
        left_out = {ENVIRONMENT: list(self.environment)} if self.environment else {}
        return as_json(summed({**said, **left_out, IMAGE: image}))


def summed(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description with its own sha256: of all else in it."""
    content = {key: value for key, value in said.items() if key != "sha256"}
    return {**content, "sha256": hashlib.sha256(as_json(content)).hexdigest()}


def as_json(data: Mapping[str, Any]) -> bytes:
    """Return a description as text, the same for the same data; image.json is written so, too."""
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def read_json(text: bytes, name: str) -> dict[str, Any]:
    """Return what a description says; BuildError if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BuildError(f"{name} of the bundle cannot be read: {error}", hint=_FOREIGN) from None
    if not isinstance(found, dict):
        raise BuildError(f"{name} of the bundle is no description", hint=_FOREIGN)
    return found


def check_image(data: Mapping[str, Any]) -> None:
    """Raise BuildError for an image.json that does not describe a whole version, or whose digest is another one."""
    files = data.get("files")
    if not isinstance(files, dict) or not all(map(_is_file, files.items())) or not isinstance(data.get("image"), str):
        raise BuildError("image.json of the bundle does not describe an image", hint=_FOREIGN)
    try:
        check_name("osimage", data["image"])
    except DefinitionError as error:
        raise BuildError(error.message, hint=_FOREIGN) from None
    roots = data.get("roots", [name for name in files if name.startswith(ROOT)][:1])
    named = isinstance(roots, list) and roots and all(isinstance(one, str) and one.startswith(ROOT) for one in roots)
    if not named or (missing := [name for name in (*roots, *BESIDE) if name not in files]):
        raise BuildError(f"the image has no {', '.join(missing) if named else 'root'}", hint=_FOREIGN)
    if len(roots) > 1 and CONTENT_LIST not in files:
        raise BuildError("the image has several roots, but was not packed in layers", hint=_FOREIGN)
    if strange := [name for name, is_good in _FACTS.items() if name in data and not is_good(data[name])]:
        raise BuildError(f"image.json of the bundle says what cannot be of {', '.join(strange)}", hint=_FOREIGN)
    if content_digest(data) != data.get("digest"):
        raise BuildError("image.json of the bundle was changed: its digest is another one", hint=_FOREIGN)


def _is_file(item: tuple[str, Any]) -> bool:
    name, facts = item
    if not _FILE_NAME.fullmatch(name) or name == IMAGE or not isinstance(facts, dict):
        return False
    # A root hash becomes a word of a boot script.
    has_sums = is_sha256(facts.get("sha256")) and ("verity" not in facts or is_sha256(facts["verity"]))
    return has_sums and _is_count(facts.get("size"))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_FACTS: Mapping[str, Callable[[Any], bool]] = {
    "kernelver": _is_text, "packages": _is_count, "unpacked": _is_count, "by": _is_text, "host": _is_text,
    "created": lambda value: type(value) in (int, float) and 0 <= value < _LATEST,
    "key": lambda value: value == "" or (_is_text(value) and _KEY_ID.fullmatch(value) is not None),
    "made": lambda value: isinstance(value, dict), "pack": lambda value: isinstance(value, dict),
    "syncfiles": lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
}  # fmt: skip
"""What image.json says beside its files, and what it can be: some of it goes to boot scripts, all of it is shown."""


def read_lists(said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what bundle.json says of the lists, by the names of their members; BuildError when it makes no sense."""
    lists = said.get("lists", [])
    if not isinstance(lists, list) or not all(map(_is_list, lists)):
        raise BuildError("bundle.json does not describe its lists", hint=_FOREIGN)
    return {f"{LISTS}/{one['attribute']}.{one['number']}": one for one in lists}


def _is_list(one: Any) -> bool:
    kinds = {"attribute": str, "number": int, "path": str, "mode": int, "sha256": str, "size": int}
    if not isinstance(one, dict) or not all(type(one.get(key)) is kind for key, kind in kinds.items()):
        return False
    return one["attribute"] in (*CLONED, FSTAB)


def read_environment(said: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables that bundle.json says were left out; BuildError when they are none."""
    names = said.get(ENVIRONMENT, [])
    if not isinstance(names, list) or not all(isinstance(one, str) and _VARIABLE.fullmatch(one) for one in names):
        raise BuildError("bundle.json does not describe an environment", hint=_FOREIGN)
    return tuple(names)


def read_osimage(said: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the attributes that bundle.json holds; BuildError when they are none."""
    values = said.get("osimage")
    if values is None:
        return None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise BuildError("bundle.json does not describe an osimage", hint=_FOREIGN)
    return values
