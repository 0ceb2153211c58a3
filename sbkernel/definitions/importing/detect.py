"""Find out what a file or directory is, and read it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sbkernel.definitions.importing.found import Found
from sbkernel.errors import DefinitionError, ListFileError, NotFoundError

KINDS = ("stanza", "tabdump", "warewulf")
_WAREWULF = re.compile(r"^(WW_INTERNAL|nodeprofiles|nodes)\s*:", re.MULTILINE)
_STANZA = re.compile(r"^\s*objtype\s*=", re.MULTILINE)
_HINT = f"--format {'|'.join(KINDS)} says what it is."


def read(path: Path | str, kind: str = "") -> Found:
    """Read what lies at `path`, or stdin for `-`; NotFoundError, ListFileError, or DefinitionError for what it is."""
    where = Path(path)
    if kind not in ("", *KINDS):
        raise DefinitionError(f"no format {kind!r}", hint=f"There are {', '.join(KINDS)}.")
    if str(path) != "-" and where.is_dir():
        return _directory(where, kind)
    if where.suffix == ".csv" and kind in ("", "tabdump"):
        return _tables([where])
    text = _text(path)
    return _file(text, "stdin" if str(path) == "-" else str(path), kind or _kind_of(text, path))


def _directory(where: Path, kind: str) -> Found:
    tables, nodes = sorted(where.glob("*.csv")), where / "nodes.conf"
    if tables and kind in ("", "tabdump"):
        return _tables(tables)
    if nodes.is_file() and kind in ("", "warewulf"):
        return _file(_text(nodes), str(nodes), "warewulf")
    raise NotFoundError(f"{where} holds neither tables (*.csv, as dumpxCATdb writes them) nor nodes.conf")


def _tables(files: list[Path]) -> Found:
    from sbkernel.definitions.importing import tabdump

    return tabdump.read({file: _text(file) for file in files})


def _file(text: str, file: str, kind: str) -> Found:
    if kind == "warewulf":
        from sbkernel.definitions.importing import warewulf

        return warewulf.read(text, file)
    if kind == "stanza":
        from sbkernel.definitions.importing import stanzas

        return stanzas.read(text, file)
    raise DefinitionError(f"{file} is one file; tables are a directory of *.csv, or a file of that name", hint=_HINT)


def _kind_of(text: str, path: Path | str) -> str:
    if _STANZA.search(text):
        return "stanza"
    if _WAREWULF.search(text):
        return "warewulf"
    raise DefinitionError(f"{path} is neither a stanza file nor Warewulf's nodes.conf", hint=_HINT)


def _text(path: Path | str) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else Path(path).read_bytes().decode()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        where = "stdin" if str(path) == "-" else path
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ListFileError(where, line, "not UTF-8", hint="iconv -f latin1 -t utf-8 converts files.") from None
