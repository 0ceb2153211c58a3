"""What the Tab key offers after %sb: verbs, options, names of objects, noderanges.

The words of options come from the verbs themselves, names from the site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import click
from IPython.core.completer import CompletionContext, SimpleCompletion

from sbkernel.cli.definitions.defrequest import OPTIONS
from sbkernel.cli.magic.awaiting import without_site
from sbkernel.cli.main import VERBS
from sbkernel.cli.verb import module_of
from sbkernel.definitions.attributes import TYPES, attributes_of
from sbkernel.definitions.groups import group_names
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

_LINE = re.compile(r"^\s*(?:[\w.\[\]'\", ]+=\s*)?%sb\s+(?P<rest>.*)$")
_CELL = re.compile(r"^%%sb\s+(?P<rest>.*)$")
_DEFINITIONS = ("lsdef", "mkdef", "chdef", "rmdef")
_TABLES = ("tabdump", "chtab", "tabch", "gettab", "tabrestore", "tabprune")
_MANY = 300


def completed(shell: Any, context: CompletionContext) -> dict[str, Any]:
    """Return what may follow the text before the cursor, as IPython takes it."""
    line = context.text_until_cursor
    found = _LINE.match(line) or (_CELL.match(line) if context.cursor_line == 0 else None)
    if found is None:
        return {"completions": []}
    *words, word = re.split(r"\s+", found["rest"])
    fragment = word if word.startswith("-") else re.split(r"[=,@]", word)[-1]
    names = _begun(shell, words, word, fragment)
    offers = [SimpleCompletion(text=name, type="sb") for name in names]
    return {"completions": offers, "matched_fragment": fragment, "suppress": True}


def _begun(shell: Any, words: Sequence[str], word: str, fragment: str) -> list[str]:
    opened = shell.user_ns.get("site")
    try:
        with Site.open(opened.root if isinstance(opened, Site) else None) as site:
            found = offered(site, without_site(words), word)
            return sorted({one for one in found if one.startswith(fragment)})[:_MANY]
    except (SbkernelError, OSError):  # a key that only asks raises nothing
        return []


def offered(site: Site, words: Sequence[str], word: str) -> Iterable[str]:
    """Return what may stand in the place of a word after other words; the caller keeps what begins as it does."""
    if not words:
        return VERBS
    verb = words[0]
    if verb not in VERBS:
        return ()
    if word.startswith("-"):
        return options(verb, words[1:])
    if verb in _DEFINITIONS:
        return _definitions(site, words, word)
    if verb in _TABLES:
        from sbkernel.definitions.xcattables.columns import TABLES

        return TABLES
    return _arguments(site, verb, words[1:])


def options(verb: str, words: Sequence[str] = ()) -> list[str]:
    """Return the options of a verb, or of its subcommand among the words."""
    if verb in _DEFINITIONS:
        return [name for one in OPTIONS if verb[0] in one.verbs for name in one.declarations[:-1]]
    command = _command(verb, words)
    return [] if command is None else [name for one in command.params for name in (*one.opts, *one.secondary_opts)
                                       if name.startswith("-")] + ["-h"]  # fmt: skip


@lru_cache
def _found(verb: str) -> click.Command | None:
    found = module_of(verb).command
    return found if isinstance(found, click.Command) else None


def _command(verb: str, words: Sequence[str]) -> click.Command | None:
    command = _found(verb)
    if isinstance(command, click.Group):
        return next((command.commands[word] for word in words if word in command.commands), command)
    return command


def _definitions(site: Site, words: Sequence[str], word: str) -> Iterator[str]:
    before = words[-1]
    given = dict(pairwise(words)).get("-t", "node")
    objtype = given.split(",")[0] if given.split(",")[0] in TYPES else "node"
    if before == "-t":
        yield from TYPES
    elif before == "-i":
        yield from attributes_of(objtype)
    elif "=" in word:
        attribute = attributes_of(objtype).get(word.partition("=")[0])
        yield from attribute.values if attribute else ()
    elif before == "-w":
        yield from (f"{name}==" for name in attributes_of(objtype))
    else:
        yield from _objects(site, objtype)
        if words[0] in ("mkdef", "chdef") and before != "-o":
            yield from (f"{name}=" for name in attributes_of(objtype))


def _objects(site: Site, objtype: str) -> Iterator[str]:
    if objtype in ("node", "group"):
        yield from group_names(site.store)
    if objtype != "group":
        yield from site.store.names(objtype)


_NAMED: dict[str, Callable[[Site], Iterable[str]]] = {
    "image": lambda site: site.store.names("osimage"),
    "names": lambda site: [*site.store.names("osimage"), *_objects(site, "node")],
    "node": lambda site: _objects(site, "node"),
    "job": lambda site: _jobs(site),
    "notebook": lambda site: _notebooks(site),
}
"""By what the name of an argument begins with."""


def _arguments(site: Site, verb: str, words: Sequence[str]) -> Iterator[str]:
    command = _command(verb, words)
    if command is None:  # a verb of xCAT's tables: its first word is a noderange
        yield from _objects(site, "node") if not words else ()
        return
    if isinstance(command, click.Group):
        yield from command.commands
    before = [one for one in command.params if words and words[-1] in one.opts]
    for param in before or [one for one in command.params if isinstance(one, click.Argument)]:
        if isinstance(param.type, click.Choice):
            yield from map(str, param.type.choices)
        yield from (param.metavar or "").split("|") if "|" in (param.metavar or "") else ()
        for begin, named in _NAMED.items():
            if (param.name or "").startswith(begin) or (begin == "image" and param.name == "source"):
                yield from named(site)
    if verb == "nodeset" and words:
        yield from (f"osimage={name}" for name in site.store.names("osimage"))
        yield from site.store.names("osimage")


def _jobs(site: Site) -> Iterator[str]:
    from sbkernel.jobs import job as jobs

    return (job.id for job in jobs.listing(site))


def _notebooks(site: Site) -> Iterator[str]:
    from sbkernel.records import library

    return (path.stem for path in library.notebooks(site))
