"""What a boot may take at most: limits, and shares over the median of the last good versions. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sbkernel.errors import DefinitionError
from sbkernel.rollout.testboot.checks import Check, Measured
from sbkernel.units import read_duration, read_size, seconds, size

DEFAULT = "time=+100%,bytes=+25%,memory=+25%"
VERSIONS = 5
"""So many good versions make the median."""
NONE = "none"
_SHARE = re.compile(r"\+(\d{1,4}(?:\.\d{1,3})?)%", re.ASCII)
_READERS: Mapping[str, Callable[[str], float]] = {"time": read_duration, "bytes": read_size, "memory": read_size}
_WORDS = {"time": seconds, "bytes": size, "memory": size}


@dataclass(frozen=True)
class Limit:
    """At most so much, in seconds or bytes, or so many per cent more than the median; neither: no limit."""

    most: float | None = None
    percent: float | None = None

    def shown(self, what: str) -> str:
        """Return it as it is said of time, bytes or memory."""
        if self.percent is not None:
            return f"at most {self.percent:g} % over the median of the last {VERSIONS} good versions"
        return f"at most {_WORDS[what](self.most)}" if self.most is not None else "no limit"


def parse(*texts: str) -> dict[str, Limit]:
    """Return the limit of each measure; later texts win. DefinitionError for a word that is none.

    A text is a comma list such as time=300s,bytes=+25%,memory=none.
    """
    found: dict[str, Limit] = {}
    for word in (word.strip() for text in (DEFAULT, *texts) for word in text.split(",")):
        if word:
            what, _, value = word.partition("=")
            if what not in _READERS:
                raise DefinitionError(f"{word!r} is no budget of a test boot", hint=f"such as {DEFAULT}")
            found[what] = _limit(what, value)
    return found


def _limit(what: str, value: str) -> Limit:
    if value == NONE:
        return Limit()
    if match := _SHARE.fullmatch(value):
        return Limit(percent=float(match[1]))
    try:
        return Limit(most=_READERS[what](value))
    except DefinitionError as error:
        hint = f"{what}=+50%, {what}={'300s' if what == 'time' else '400M'} or {what}={NONE}"
        raise DefinitionError(f"the budget {what}={value} of a test boot: {error.message}", hint=hint) from None


def judged(limits: Mapping[str, Limit], took: Measured, history: Sequence[Measured]) -> list[Check]:
    """Return a check for each measure; `history` is of good versions, the newest first, others than this one."""
    known = [one for one in history if one.where == took.where]
    return [_check(what, limit, took, known) for what, limit in limits.items()]


def _check(what: str, limit: Limit, took: Measured, history: Sequence[Measured]) -> Check:
    value, word = getattr(took, what), _WORDS[what]
    if value is None:
        return Check(what, limit.most is None, "nobody reported it")
    if limit.most is not None:
        return Check(what, value <= limit.most, f"{word(value)}, {limit.shown(what)}")
    earlier = [found for one in history if (found := getattr(one, what)) is not None][:VERSIONS]
    if limit.percent is None or not earlier:
        return Check(what, True, f"{word(value)}, {'no limit' if limit.percent is None else 'no history yet'}")
    median = statistics.median(earlier)
    more = (value / median - 1) * 100 if median else 0.0
    of = f"the median of {len(earlier)} ({word(median)})"
    said = f"{word(value)}, {more:+.0f} % to {of}; at most +{limit.percent:g} %"
    return Check(what, value <= median * (1 + limit.percent / 100), said)
