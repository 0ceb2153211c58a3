"""Read a policy: a YAML file of rules.

removed: forbid           # allow or forbid, for every kind of change: added, removed, updated, downgraded, …
downgraded: forbid
growth: 5 %               # or 200 MB: how much the packages may grow on disk
attention: [kernel]       # groups that may not move; all for every one
required: [munge, slurm*] # names or patterns that the new side must have
forbidden: [telnet*]      # names or patterns that it must not have
exempt: [linux-image-*]   # for these, no kind of change is forbidden
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from sbkernel.definitions.importing.yamltext import Pair, Yaml
from sbkernel.errors import ListFileError, NotFoundError
from sbkernel.packages.diff.change import KINDS
from sbkernel.packages.diff.policy import GrowthLimit, Policy

_LISTS = ("attention", "required", "forbidden", "exempt")
KEYS = (*KINDS, "growth", *_LISTS)
_GROWTH = re.compile(r"(\d+(?:\.\d+)?) *(%|[kKMG]?B)")
_UNITS = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def load(file: Path) -> Policy:
    """Return the policy of a file. NotFoundError, ListFileError."""
    try:
        text = file.read_text(errors="replace")
    except OSError as error:
        raise NotFoundError(
            f"cannot read the policy {file}: {error.strerror}", hint="sb diff --help shows one"
        ) from None
    return parse(text, str(file))


def parse(text: str, file: str = "policy") -> Policy:
    """Return the policy of a text. ListFileError with the line of the first thing that is wrong."""
    return _Reader(text, file).policy()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.yaml = Yaml(text, file)
        self.pairs = self.yaml.mapping(self.yaml.root, "a policy")
        self._refuse_notes()

    def policy(self) -> Policy:
        for key, pair in self.pairs.items():
            if key not in KEYS:
                self._refuse_key(key, pair)
        lists = {key: self._list(key) for key in _LISTS}
        return Policy(tuple(kind for kind in KINDS if self._forbids(kind)), self._growth(), **lists, file=self.file)

    def _forbids(self, kind: str) -> bool:
        text = self._text(kind)
        if text not in ("", "allow", "forbid"):
            self._refuse(self.pairs[kind], f"{kind}: {text!r} is neither allow nor forbid")
        return text == "forbid"

    def _growth(self) -> GrowthLimit | None:
        text = self._text("growth")
        if not text:
            return None
        match = _GROWTH.fullmatch(text)
        if match is None:
            self._refuse(self.pairs["growth"], f"growth: {text!r} is neither a percentage nor a size", "5 % or 200 MB")
            return None
        number = float(match[1])
        return GrowthLimit(percent=number) if match[2] == "%" else GrowthLimit(size_bytes=number * _UNITS[match[2]])

    def _list(self, key: str) -> tuple[str, ...]:
        if key not in self.pairs:
            return ()
        found = tuple(self.yaml.texts(self.pairs[key].value, key))
        self._refuse_notes()
        return found

    def _text(self, key: str) -> str:
        text = self.yaml.text(self.pairs[key].value, key) if key in self.pairs else ""
        self._refuse_notes()
        return text

    def _refuse_key(self, key: str, pair: Pair) -> None:
        near = difflib.get_close_matches(key, KEYS, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the rules are: {', '.join(KEYS)}"
        self._refuse(pair, f"a policy has no rule {key!r}", hint)

    def _refuse_notes(self) -> None:
        for note in self.yaml.notes:
            raise ListFileError(self.file, note.where.line, note.text)

    def _refuse(self, pair: Pair, text: str, hint: str | None = None) -> None:
        raise ListFileError(self.file, pair.where.line, text, hint=hint)
