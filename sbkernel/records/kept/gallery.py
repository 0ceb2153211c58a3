"""export --gallery: the records of a site as pages that any web server serves, or none, with an index that searches.

index.html holds its data, script and style; the pages of records lie beside it as below records/. gallery.json says
which pages were made of what, so that the next export makes only those that are new.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import nbformat

from sbkernel import __version__, resources
from sbkernel.errors import RecordError
from sbkernel.files import in_turn, made, write_if_changed, write_whole
from sbkernel.netboot.render import render_template
from sbkernel.records import export as pages
from sbkernel.records import redact
from sbkernel.records.kept.facts import DAMAGED, UNFINISHED, Kept
from sbkernel.records.kept.index import INDEX
from sbkernel.records.kept.listing import Records
from sbkernel.site import Site
from sbkernel.units import plain

LIST = "gallery.json"
_NO_PAGE = ("running", DAMAGED, UNFINISHED)


@dataclass(frozen=True)
class Gallery:
    """A gallery, how many pages were made, were there already, and were removed, and whose pages cannot be made."""

    directory: Path
    made: int
    unchanged: int
    removed: int
    failed: tuple[str, ...] = ()

    @property
    def index(self) -> Path:
        """Return the page to open."""
        return self.directory / "index.html"

    def __str__(self) -> str:
        said = f"{self.index}: {self.made} pages made, {self.unchanged} unchanged, {self.removed} removed"
        return said + "".join(f"\nno page can be made of {plain(name)}" for name in self.failed)


def gallery(found: Records, directory: str | Path, *, title: str = "Records") -> Gallery:
    """Write the gallery of records into a directory, which is new, empty, or a gallery already: else RecordError.

    What is a secret of the site now is hidden in pages, whenever their records were made.
    """
    directory = Path(directory).expanduser()
    before = _listed(directory)
    made(directory)
    with in_turn(directory / ".lock"):
        if before is None:
            _list(directory, {})  # so that an export that is killed is known as a gallery
        secrets = redact.known(found.site)
        hide = redact.redactor(secrets)
        token = _token(found.site, secrets)
        now = {href: f"{stamp}-{token}" for one in found if (href := _href(one)) and (stamp := _stamp(found, one))}
        old = before or {}
        new = [one for one in found if _is_new(directory, old, now, _href(one))]
        failed = [one for one in new if not _write(found, one, directory / _href(one), hide)]
        for one in failed:
            del now[_href(one)]
        gone = [href for href in old if href not in now and _is_below(href)]
        for href in gone:
            (directory / href).unlink(missing_ok=True)
        write_if_changed(directory / "index.html", _index(hide([_row(one, now) for one in found]), title))
        _list(directory, now)
    written = len(new) - len(failed)
    return Gallery(directory, written, len(now) - written, len(gone), tuple(one.name for one in failed))


def export(found: Records, record: Kept, output: Path) -> Path:
    """Write the page of a record to a file, or under its name into a directory; return the file.

    A file that ends in .ipynb gets the notebook. Secrets of the site are hidden in both. Raises RecordError if there is
    no such directory.
    """
    target = output / f"{record.name}.html" if output.is_dir() else output
    if not target.parent.is_dir():
        raise RecordError(f"there is no directory {target.parent}")
    if target.suffix == ".ipynb":
        notebook = nbformat.read(found.path(record), as_version=4)
        write_whole(target, nbformat.writes(redact.redact(notebook, redact.known(found.site))))
    else:
        write_whole(target, hidden_page(found, record))
    return target


def hidden_page(found: Records, record: Kept, hide: Callable[[Any], Any] | None = None) -> str:
    """Return the page of a record as others may see it: under a megabyte, without what is a secret now."""
    hide = hide or redact.redactor(redact.known(found.site))
    page = found.page(record)
    text = str(hide(page.read_text("utf-8"))) if page else ""
    if 0 < len(text.encode()) <= pages.LARGEST_BYTES:
        return text
    return pages.page(hide(nbformat.read(found.path(record), as_version=4)))


def _write(found: Records, record: Kept, page: Path, hide: Callable[[Any], Any]) -> bool:
    """Write a page; return whether it could be made: a record can be anybody's, and must not keep out the others."""
    try:
        text = hidden_page(found, record, hide)
    except Exception:
        return False
    made(page.parent)
    write_whole(page, text)
    return True


def _token(site: Site, secrets: set[str]) -> str:
    """Return a word that changes when the secrets of the site do, and tells nothing of them: then pages are made again.

    What it stands for is kept where only the user of the site can read.
    """
    file = made(site.records / INDEX) / "hidden"
    before = file.read_text().split() if file.exists() else []
    if len(before) == 2 and _sum(before[0], secrets) == before[1]:
        return before[0]
    token = uuid4().hex
    write_whole(file, f"{token} {_sum(token, secrets)}\n", mode=0o600)
    return token


def _sum(token: str, secrets: set[str]) -> str:
    return hashlib.sha256(json.dumps([token, *sorted(secrets)]).encode()).hexdigest()


def _href(record: Kept) -> str:
    """Return the place of a page in the gallery, "" for a record of which there is none yet."""
    return "" if record.status in _NO_PAGE else str(Path(record.path).with_suffix(".html"))


def _stamp(found: Records, record: Kept) -> str:
    with suppress(FileNotFoundError):
        state = found.path(record).stat()
        return f"{state.st_mtime_ns}-{state.st_size}-{__version__}"
    return ""  # pruned just now


def _is_new(directory: Path, old: Mapping[str, str], now: Mapping[str, str], href: str) -> bool:
    return href in now and (old.get(href) != now[href] or not (directory / href).is_file())


def _is_below(href: str) -> bool:
    path = Path(href)
    return not path.is_absolute() and ".." not in path.parts and path.suffix == ".html"


def _listed(directory: Path) -> dict[str, str] | None:
    """Return which pages a gallery has, by what they were made of; None if there is none yet."""
    try:
        return {str(href): str(stamp) for href, stamp in json.loads((directory / LIST).read_text())["pages"].items()}
    except FileNotFoundError:
        if directory.is_dir() and any(path.name != ".lock" for path in directory.iterdir()):
            raise RecordError(f"{directory} holds other things", hint="name a new or empty directory") from None
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _list(directory: Path, pages: Mapping[str, str]) -> None:
    write_whole(directory / LIST, json.dumps({"version": __version__, "pages": dict(pages)}, indent=0, sort_keys=True))


def _index(rows: list[dict[str, Any]], title: str) -> str:
    templates = resources.templates() / "gallery"
    script = (templates / "gallery.js").read_text()
    return render_template(
        "gallery/index.html",
        title=escape(title),
        style=(templates / "gallery.css").read_text(),
        script=script,
        # Only this script may run, whatever a record says.
        sum=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=_inline(rows),
    )


def _inline(data: Any) -> str:
    """Return JSON as it may stand in a script element of a page: no text in it can end that."""
    text = json.dumps(data, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(one: Kept, now: Mapping[str, str]) -> dict[str, Any]:
    href = _href(one)
    return {
        "when": datetime.fromtimestamp(one.when, UTC).strftime("%Y-%m-%d %H:%M") if one.when else "",
        "status": one.status,
        "seconds": one.seconds,
        "notebook": one.notebook,
        "image": one.image,
        "digest": one.digest[:12],
        "parameters": {name: one.parameters[name] for name in one.given if name != "image"},
        "who": one.who,
        "host": one.host,
        "run": one.run[:12],
        "error": one.error[:160],
        "href": quote(href) if href in now else "",
    }
