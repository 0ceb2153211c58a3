"""The pages that Sphinx reads: those of notebooks/docs, joined with those that are made of the program itself.

The pages of notebooks/docs are also read in JupyterLab and by people who browse the repository, so they hold plain
Markdown alone. What only the site has is added here: links from verbs to their pages, the contents, the picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from sbkernel import resources
from sbkernel.docs import house, verbs

Groups = Mapping[str, Mapping[str, str]]
"""Task -> verb -> one line of help, as the command line has it."""
_FENCE = re.compile(r"^(```+)(.*?)^\1$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"(?<!\[)`sb ([a-z-]+)([^`\n]*)`(?!\])")
_NOTEBOOK = re.compile(r"\[([^\]]+)\]\(\.\./[\w-]+\.ipynb\)")
_LINK = re.compile(r"^[*-] \[[^\]]+\]\(([\w-]+)\.md\)", re.MULTILINE)
_PICTURE, _FOLDERS = "<!-- the picture of the house -->", "<!-- the folders of the rooms -->"


def directory() -> Path:
    """Return where the written pages lie."""
    return resources.notebooks() / "docs"


def written() -> dict[str, str]:
    """Return the written pages by file name."""
    return {path.name: path.read_text() for path in sorted(directory().glob("*.md"))}


def pages(root: click.Group, groups: Groups) -> dict[str, str]:
    """Return all pages of the site by file name."""
    texts = written()
    lines = {verb: line for one in groups.values() for verb, line in one.items()}
    rows = verbs.differences(texts["coming-from-xcat.md"])
    made = {"verbs/index.md": verbs.index(groups)}
    for verb, line in lines.items():
        context = verbs.Context(verbs.about(verb, rows), using(verb, texts))
        made[f"verbs/{verb}.md"] = _linked(verbs.page(root, verb, line, context), lines, "")
    return {**{name: _completed(name, text, lines) for name, text in texts.items()}, **made}


def using(verb: str, texts: Mapping[str, str]) -> dict[str, str]:
    """Return file and title of the pages whose commands use a verb."""
    used = re.compile(rf"\bsb {re.escape(verb)}(?![\w-])")
    return {name: title(text) for name, text in texts.items() if any(used.search(one) for one in _fences(text))}


def title(text: str) -> str:
    """Return the heading of a page."""
    return text.partition("\n")[0].removeprefix("# ")


def _fences(text: str) -> Iterator[str]:
    yield from (found.group(2) for found in _FENCE.finditer(text))


def _completed(name: str, text: str, lines: Mapping[str, str]) -> str:
    # Notebooks are in JupyterLab, not on the site.
    text = _linked(_NOTEBOOK.sub(r"\1", text), lines, "verbs/")
    text = text.replace(_PICTURE, f"```{{raw}} html\n{house.picture()}```").replace(_FOLDERS, house.table())
    return text + _contents(text) if name == "index.md" else text


def _linked(text: str, lines: Mapping[str, str], where: str) -> str:
    """Return the text with links from `sb VERB …` to the page of the verb, but in blocks of code and links."""

    def link(found: re.Match[str]) -> str:
        verb = found.group(1)
        return f"[{found.group()}]({where}{verb}.md)" if verb in lines else found.group()

    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_NAMED.sub(link, text[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*parts, _NAMED.sub(link, text[end:])])


def _contents(index: str) -> str:
    """Return the contents at the side: the lists of links of the first page, under their headings."""
    made = []
    for section in index.split("\n## ")[1:]:
        names = "\n".join(_LINK.findall(section))
        if names:
            made.append(f"```{{toctree}}\n:hidden:\n:caption: {section.partition(chr(10))[0]}\n\n{names}\n```")
    made.append("```{toctree}\n:hidden:\n:caption: Reference\n\nverbs/index\n```")
    return "\n" + "\n\n".join(made) + "\n"
