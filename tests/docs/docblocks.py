"""The commands and programs in pages: fenced blocks with the way they are checked, and code within the text."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(sb [^`]+)`")
LANGUAGES = ("sh", "console", "python", "ipython")


class Block(NamedTuple):
    """A fenced block. `mode` is run, or parse for what cannot run in a test: real discs, real clusters."""

    page: str
    line: int
    """The line of its first line of text."""
    language: str
    mode: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


class BlockError(AssertionError):
    """A command of a page is wrong; the message begins with the page and the line."""

    def __init__(self, block: Block, message: str) -> None:
        super().__init__(f"{block.where}: {message}")


def blocks(page: str, text: str) -> Iterator[Block]:
    """Yield the blocks of a page that hold commands or programs. Raises BlockError for one that says how wrongly."""
    for found in _FENCE.finditer(text):
        language, _, mode = found["info"].strip().partition(" ")
        line = text.count("\n", 0, found.start("text")) + 1
        block = Block(page, line, language, mode or "run", found["text"])
        if language in LANGUAGES:
            if block.mode not in ("run", "parse"):
                raise BlockError(block, f"there is no mode {mode!r}: leave it out, or say parse")
            yield block
        elif re.search(r"^\s*(\$ )?sb [a-z]", block.text, re.MULTILINE) and language != "text":
            raise BlockError(block, "commands stand in blocks of sh or console, where they are checked")


def inline(page: str, text: str) -> Iterator[Block]:
    """Yield the commands within the text, which are checked as far as they go."""
    blank = _FENCE.sub(lambda found: "\n" * found.group().count("\n"), text)
    for found in _INLINE.finditer(blank):
        yield Block(page, text.count("\n", 0, found.start()) + 1, "sh", "parse", found[1].replace("\\|", "|"))


class Step(NamedTuple):
    """A command of a block of console, what it is to print, and its exit code."""

    command: str
    output: list[str]
    code: int


def steps(block: Block) -> list[Step]:
    """Return the commands of a block of console."""
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            command, _, code = line[2:].partition("  # exits with ")
            found.append(Step(command, [], int(code or 0)))
        elif line.startswith("> ") and found and not found[-1].output:
            found[-1] = found[-1]._replace(command=f"{found[-1].command}\n{line[2:]}")
        elif found:
            found[-1].output.append(line)
        else:
            raise BlockError(block, "a block of console begins with a command: $ ...")
    return found


def shows(expected: list[str], actual: list[str]) -> bool:
    """Tell whether a text is as a page shows it: `...` stands for any text, alone on a line for any lines.

    How wide a column is depends on what stands in it, so blanks count as one.
    """
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "..." else f"{_pattern(line)}\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{_plain(line)}\n" for line in actual)) is not None


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, _plain(line).split("...")))


def _plain(line: str) -> str:
    return " ".join(line.split())
