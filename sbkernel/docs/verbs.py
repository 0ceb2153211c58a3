"""A page for each verb, made of what `sb VERB -h` is made of."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import click

from sbkernel.errors import NotFoundError

_EXAMPLES = re.compile(r"Examples?:")
_XCAT = "coming-from-xcat.md"
_MARKUP = re.compile(r"([\\`*_<>\[\]|$#])")


class Xcat(NamedTuple):
    """One difference from xCAT: what xCAT does, what is done here, and why."""

    there: str
    here: str
    why: str


class Context(NamedTuple):
    """What stands elsewhere about a verb: differences from xCAT, and the pages that use it (file -> title)."""

    differences: Sequence[Xcat]
    used_in: Mapping[str, str]


def differences(page: str) -> list[Xcat]:
    """Return the rows of the table of the page on xCAT."""
    rows = (re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in page.splitlines() if line.startswith("| "))
    cells = [[cell.strip() for cell in row] for row in rows]
    return [Xcat(*row) for row in cells if len(row) == 3 and row[1] and row[0] not in ("In xCAT", "---")]


def about(verb: str, rows: Sequence[Xcat]) -> list[Xcat]:
    """Return the differences that name a verb."""
    named = re.compile(rf"`(sb )?{re.escape(verb)}[` ]")
    return [one for one in rows if named.search(one.there) or named.search(one.here)]


def page(root: click.Group, verb: str, line: str, context: Context) -> str:
    """Return the page of a verb, in Markdown."""
    command = root.get_command(click.Context(root, info_name="sb"), verb)
    if command is None:
        raise NotFoundError(f"no verb {verb!r}")
    body = _own_usage(command) if command.help is None else list(_described(command, f"sb {verb}"))
    sections = [f"# sb {verb}", _sentence(line), *body, *_differences(context.differences), *_pages(context.used_in)]
    return "\n\n".join(sections) + "\n"


def index(groups: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page that lists all verbs by task."""
    sections = ["# The verbs", "By task, as `sb -h` lists them. Each page says what `sb VERB -h` says."]
    for title, verbs in groups.items():
        sections += [f"## {title}", "\n".join(f"* [`sb {verb}`]({verb}.md): {line}" for verb, line in verbs.items())]
        listed = "\n".join(verbs)
        sections.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```")
    return "\n\n".join(sections) + "\n"


def _sentence(line: str) -> str:
    return f"{_escaped(line[0].upper() + line[1:])}."


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _own_usage(command: click.Command) -> list[str]:
    """Return the usage of a verb that prints it itself, in the words of xCAT."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        command.main(["-h"], prog_name="sb", standalone_mode=False)
    return [_fence("text", said.getvalue().strip("\n"))]


def _described(command: click.Command, path: str) -> Iterator[str]:
    ctx = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    yield _fence("text", " ".join([path, *command.collect_usage_pieces(ctx)]))
    yield from _prose(command.help or "")
    yield from _options(command, ctx)
    for name, one in command.commands.items() if isinstance(command, click.Group) else ():
        if not one.hidden:
            yield f"## {path} {name}"
            yield from _described(one, f"{path} {name}")


def _prose(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text: after a line \\b they keep their lines; examples are commands."""
    for paragraph in re.split(r"\n\s*\n", _dedented(text)):
        if not paragraph.strip().startswith("\b"):
            yield _escaped(" ".join(paragraph.split()))
            continue
        lines = [line for line in paragraph.splitlines() if line.strip(" \b")]
        if _EXAMPLES.fullmatch(lines[0].strip()):
            yield "**Examples**"
            yield _fence("sh", _dedented("\n".join(lines[1:])))
        else:
            yield _fence("text", _dedented("\n".join(lines)))


def _dedented(text: str) -> str:
    import inspect

    return inspect.cleandoc(text)


def _options(command: click.Command, ctx: click.Context) -> Iterator[str]:
    found = [one.get_help_record(ctx) for one in command.params]
    records = [record for record in found if record is not None and record[1]]
    if records:
        yield "**Options**"
        yield "\n".join(f"* `{names}`: {_escaped(' '.join(text.split()))}" for names, text in records)


def _differences(rows: Sequence[Xcat]) -> Iterator[str]:
    if rows:
        yield "## Coming from xCAT"
        cells = (_from_above(f"| {one.there} | {one.here} | {one.why} |") for one in rows)
        yield "\n".join(["| In xCAT | Here | Why |", "|---|---|---|", *cells])


def _from_above(text: str) -> str:
    """Return text of the page on xCAT with links as they are a directory below it."""
    return re.sub(r"\]\((#|[\w-]+\.md)", lambda found: f"](../{_XCAT if found[1] == '#' else ''}{found[1]}", text)


def _pages(used_in: Mapping[str, str]) -> Iterator[str]:
    if used_in:
        yield "## Used in"
        yield "\n".join(f"* [{title}](../{file})" for file, title in used_in.items())
