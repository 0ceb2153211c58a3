"""What xCAT drops or misreads silently in a synclist. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.document import Document, ListLine
from sbkernel.lists.include import BLANKS
from sbkernel.lists.syncline import CLAUSES, POST, SyncItem, clause_of, covers

MERGEABLE = ("/etc/passwd", "/etc/shadow", "/etc/group")
AT_BOOT = "They get it when they boot, if they have the postscript syncfiles, and from updatenode -F."
NO_LINES = "Found no lines to process in "

_ALMOST_CLAUSE = re.compile(r"\s*(EXECUTE|EXECUTEALWAYS|APPEND|MERGE)\s*:?\s*", re.IGNORECASE | re.ASCII)
_REMARK = re.compile(r"\s#")


def look_at_synclist(document: Document, items: Sequence[SyncItem]) -> Iterator[Diagnostic]:
    """Yield what is odd about single lines, then about lines that depend on each other."""
    known = {item.line.number: item for item in items}
    for line in document.lines():
        item = known.get(line.number)
        yield from _look_line(line) if item is None else _look_item(item)
    yield from _look_scripts(items)
    if not any(item.destination for item in items):
        said = f"{NO_LINES}{document.file}."
        yield ListLine(document.file, 1, "").note("error", said, "xCAT needs at least one line: source -> destination")


def _look_line(line: ListLine) -> Iterator[Diagnostic]:
    """Yield what is odd about a line without an effect."""
    text = line.text.strip(BLANKS)
    if not text:
        return
    if line.text.startswith("#"):
        if text.startswith("#INCLUDE"):
            yield line.note("warning", "a synclist cannot include another file", "Name both files in synclists.")
    elif clause := clause_of(text):
        yield from _look_clause(line, text, f"{clause}:")
    elif text.startswith("#"):
        yield line.note("warning", "for xCAT this is not a comment: a blank is before the #", "Remove the blank.")
    elif _ALMOST_CLAUSE.fullmatch(text):
        yield line.note("warning", f"ignored: {shown(text)}", f"The clauses are {' '.join(CLAUSES)}")
    else:
        yield line.note(
            "warning", f"ignored: {shown(text)}", "Write: source -> destination, with a blank on each side of ->"
        )


def _look_clause(line: ListLine, text: str, clause: str) -> Iterator[Diagnostic]:
    if text != clause:
        what = f"xCAT takes this line for the clause {clause} and ignores the rest"
        yield line.note("warning", what, f"Write {clause} on a line of its own, and rename files that contain it.")


def _look_item(item: SyncItem) -> Iterator[Diagnostic]:
    if item.clause.startswith("EXECUTE"):
        yield from _look_script(item)
        return
    destination = item.line.text.rpartition(" -> ")[2].strip(BLANKS)
    yield from _look_noderange(item, destination)
    yield from _look_destination(item, destination)
    for source in item.sources:
        if not source.startswith(("/", "$")):
            what = f"{shown(source)} is not a full path: xCAT looks for it where its daemon was started"
            yield item.note("error", what, "Write the full path.")


def _look_noderange(item: SyncItem, destination: str) -> Iterator[Diagnostic]:
    if item.noderange == "":
        yield item.note("error", "no noderange between the parentheses", "Write: source -> (n1-n9) destination")
    elif item.noderange is None and destination.startswith("("):
        yield item.note("error", "the parenthesis of the noderange is not closed", "Write: source -> (n1-n9) path")
    elif item.noderange is not None:
        yield item.note("info", f"kept for boot: only for {shown(item.noderange)}", AT_BOOT)


def _look_destination(item: SyncItem, destination: str) -> Iterator[Diagnostic]:
    path = destination.partition(")")[2].strip(BLANKS) if item.noderange is not None else destination
    became = shown(item.destination)
    if _REMARK.search(path):
        what = f"the remark becomes part of the destination: {became}"
        yield item.note("error", what, "Put the comment on a line of its own that begins with #.")
    elif path != item.destination:
        yield item.note("warning", f"xCAT drops blanks and ; from the destination: {became}", "Leave them out.")
    if not item.destination.startswith(("/", "$")) and not destination.startswith("("):
        yield item.note("error", f"the destination is not a full path: {became}", "Write the full path.")
    if ".." in item.destination.split("/"):
        yield item.note(
            "error", f"the destination may not contain ..: {became}", "Write the path as it is on the node."
        )
    if len(item.sources) > 1 and not item.destination.endswith("/") and not item.clause:
        what = f"{became} is taken for a directory, as there are several sources; xCAT's packimage does if it has one"
        yield item.note("warning", what, "End the destination in /")
    if item.clause == "MERGE" and item.destination not in MERGEABLE:
        yield item.note("error", f"MERGE: cannot change {became}", f"Only {', '.join(MERGEABLE)}")


def _look_script(item: SyncItem) -> Iterator[Diagnostic]:
    script = item.sources[0]
    if _REMARK.search(script) or " -> " in script:
        what = f"{item.clause}: takes the whole line as the name of a script: {shown(script)}"
        yield item.note("error", what, "Write only the path; copies belong before the clause.")
    elif item.clause == "EXECUTE" and not script.endswith(POST):
        what = f"{shown(script)} never runs: EXECUTE: only runs FILE{POST}, when FILE has changed"
        yield item.note("warning", what, "Rename it, or put it under EXECUTEALWAYS:")


def _look_scripts(items: Sequence[SyncItem]) -> Iterator[Diagnostic]:
    """Yield scripts that no line copies to the node, or whose file no line copies."""
    copies = [item for item in items if not item.clause]
    for item in (one for one in items if one.clause.startswith("EXECUTE")):
        script, always = item.sources[0], item.clause == "EXECUTEALWAYS"
        needed = script if always else script.removesuffix(POST)
        copied = [one for one in copies if any(covers(word, needed) for word in one.sources)]
        if not always and needed == script:
            continue
        if not copied:
            missing = "is not on the node" if always else "never runs"
            what = f"{shown(script)} {missing}: no line copies {shown(needed)}"
            yield item.note("warning", what, "Add the line that copies it.")
        elif all(one.noderange is not None for one in copied):
            yield item.note("info", f"kept for boot: {shown(needed)} is only for some nodes", AT_BOOT)
        elif always:
            yield item.note("info", "runs in the image when it is packed, and is kept for boot", "")
