"""What the patterns of an exlist do to one tree: more than one thinks, or nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.images.pack.exclusion import regex
from sbkernel.lists.diagnostic import Diagnostic, in_order, shown
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.rules import ExlistRule

NEEDED = {
    **dict.fromkeys(("./proc", "./sys", "./dev", "./run"), "the kernel and systemd mount something on it"),
    **dict.fromkeys(("./tmp", "./var/tmp"), "programs put files there"),
    **dict.fromkeys(("./bin", "./sbin", "./lib", "./lib64", "./usr", "./usr/bin", "./usr/sbin", "./usr/lib"), ""),
    **dict.fromkeys(("./etc", "./etc/passwd", "./etc/group", "./var", "./root", "./usr/lib/systemd/systemd"), ""),
}
"""Paths without which a node does not boot or run, and why where it is not plain."""

NO_LINKS: Mapping[str, str] = {}

_EXAMPLES = 3
_ANYTHING = "\N{BULLET}"
"""A name that no pattern has: it stands for what is in a directory."""


class _Match(NamedTuple):
    rule: ExlistRule
    paths: list[str]

    @property
    def topmost(self) -> list[str]:
        """Return the matched paths that have no matched directory above them."""
        all_of_them = set(self.paths)
        return [path for path in self.paths if not any(above in all_of_them for above in _above(path))]


class _Tree(NamedTuple):
    """A tree, and what all rules together do to it."""

    paths: frozenset[str]
    excluded: frozenset[str]
    unlisted: frozenset[str]
    """Directories above what no rule takes out."""
    kept: frozenset[str]
    """What a rule keeps, and the directories above it."""

    def removes(self, path: str) -> bool:
        """Tell whether a path goes; a directory stays while something below it does."""
        return path in self.excluded and path not in self.kept and path not in self.unlisted


def against(listed: Exlist, paths: Iterable[str], links: Mapping[str, str] = NO_LINKS) -> tuple[Diagnostic, ...]:
    """Return what is odd about an exlist for a tree; paths begin with ./, directories come without a / at the end.

    `links` are directories at the top that are links, and where they lead.
    """
    ordered = list(paths)
    matches = [_matched(rule, ordered) for rule in listed.rules]
    tree = _tree(ordered, matches)
    found = [note for match in matches for note in _look(match, tree, links)]
    return _unsaid(listed, found)


def without_tree(listed: Exlist, links: Mapping[str, str] = NO_LINKS) -> tuple[Diagnostic, ...]:
    """Return what an exlist does to any tree with these links: it removes what nodes need, or names what is behind."""
    paths = [path for needed in NEEDED for path in (needed, f"{needed}/{_ANYTHING}")]
    matches = [_matched(rule, paths) for rule in listed.rules]
    tree = _tree(paths, matches)
    excludes = (match for match in matches if not match.rule.keep)
    found = [note for match in excludes for note in _look_needed(match, tree)]
    return _unsaid(listed, [*found, *(note for match in matches for note in _look_behind(match.rule, links))])


def _unsaid(listed: Exlist, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the remarks on lines that there is none on yet."""
    silent = {(one.file, one.line) for one in listed.diagnostics if one.severity == "warning"}
    return in_order(one for one in found if (one.file, one.line) not in silent)


def _tree(paths: Sequence[str], matches: Iterable[_Match]) -> _Tree:
    sorted_out: dict[bool, set[str]] = {True: set(), False: set()}
    for match in matches:
        sorted_out[match.rule.keep].update(match.paths)
    excluded, kept = sorted_out[False], sorted_out[True]
    unlisted = {above for path in set(paths) - excluded for above in _above(path)}
    above_kept = {above for path in kept for above in _above(path)}
    return _Tree(frozenset(paths), frozenset(excluded), frozenset(unlisted), frozenset(kept | above_kept))


def _matched(rule: ExlistRule, tree: Sequence[str]) -> _Match:
    match = re.compile(regex(rule.pattern), re.DOTALL).fullmatch
    return _Match(rule, [path for path in tree if match(path)])


def _look(match: _Match, tree: _Tree, links: Mapping[str, str]) -> Iterator[Diagnostic]:
    rule = match.rule
    pattern = shown(rule.pattern)
    if not match.paths and (behind := list(_look_behind(rule, links))):
        yield from behind
    elif not match.paths:
        remedy = "Remove the line, or correct it."
        yield rule.note("info", f"'{pattern}' matches nothing in this tree", remedy)
    elif rule.keep:
        if not tree.excluded.intersection(match.paths):
            yield rule.note("info", f"'+{pattern}' keeps nothing that another line removes", "Remove the line.")
    else:
        yield from _look_directories(match, tree)
        yield from _look_needed(match, tree)
        yield from _look_siblings(match, tree)
        yield from _look_deeper(match)


def _look_behind(rule: ExlistRule, links: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield a pattern that begins with a link to a directory: find does not go there."""
    top, slash, below = rule.pattern[2:].partition("/")
    target = links.get(f"./{top}") if rule.pattern.startswith("./") and slash else None
    if target:
        what = f"'{shown(rule.pattern)}' matches nothing: /{top} is a link to {target[1:]}, and links are not followed"
        yield rule.note("warning", what, f"Write {'+' if rule.keep else ''}{shown(f'{target}/{below}')}")


def _look_directories(match: _Match, tree: _Tree) -> Iterator[Diagnostic]:
    """Yield directories that are named without what is in them: ./usr/share/doc alone removes nothing."""
    full = [path for path in match.topmost if path in tree.unlisted]
    if full and not match.rule.pattern.endswith("*"):
        what = f"'{shown(match.rule.pattern)}' does not remove {_examples(full)}: what is below stays"
        yield match.rule.note("warning", what, f"Write {shown(match.rule.pattern)}/* for what is below.")


def _look_needed(match: _Match, tree: _Tree) -> Iterator[Diagnostic]:
    for path in match.topmost:
        if path in NEEDED and tree.removes(path):
            why = f": {NEEDED[path]}" if NEEDED[path] else ""
            remedy = f"Write {path}/* to empty it and keep the directory."
            yield match.rule.note("warning", f"'{shown(match.rule.pattern)}' removes {path} itself{why}", remedy)


def _look_siblings(match: _Match, tree: _Tree) -> Iterator[Diagnostic]:
    """Yield what begins like the name that was meant: ./tmp* also removes ./tmpfiles."""
    stem = match.rule.pattern.removesuffix("*")
    if stem == match.rule.pattern or stem.endswith("/") or re.search(r"[*?\[\\]", stem) or stem not in tree.paths:
        return
    others = [path for path in match.topmost if path != stem]
    if others:
        what = f"'{shown(match.rule.pattern)}' removes more than {shown(stem)}: {_examples(others)}"
        yield match.rule.note("info", what, f"Write {shown(stem)} and {shown(stem)}/* if only that is meant.")


def _look_deeper(match: _Match) -> Iterator[Diagnostic]:
    """Yield what a * matches across directories: ./usr/*/doc also removes ./usr/share/x/doc."""
    slashes = match.rule.pattern.count("/")
    deeper = [path for path in match.topmost if path.count("/") > slashes]
    if deeper:
        what = f"* matches / too: '{shown(match.rule.pattern)}' also removes {_examples(deeper)}"
        yield match.rule.note("warning", what, "Name the directories one by one.")


def _examples(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _EXAMPLES} more" if len(paths) > _EXAMPLES else ""
    return ", ".join(map(shown, paths[:_EXAMPLES])) + more


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
