"""When a schedule runs: what people write, as the five fields of cron, as systemd's calendar, and the next time.

Pure. Times are those of the host's clock, as in crontab(5) and systemd.time(7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sbkernel.errors import DefinitionError
from sbkernel.units import read_duration

KINDS = ("daily", "weekly", "hourly", "cron", "every")
"""The options of `sb schedule add` of which one is given."""
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS: tuple[tuple[str, range, Mapping[str, int]], ...] = (
    ("minute", range(60), {}),
    ("hour", range(24), {}),
    ("day of the month", range(1, 32), {}),
    ("month", range(1, 13), {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", range(8), {name: number for number, name in enumerate(_DAYS)}),
)
_SHORTHANDS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?", re.ASCII)
_LOOK_DAYS = 8 * 366 + 1  # from one 29 February to the next there are up to eight years
_HINT_CRON = "minute hour day month weekday, as in crontab(5): '30 2 * * mon-fri'"


@dataclass(frozen=True)
class Field:
    """One field of cron: its text with numbers for names, and the numbers it stands for."""

    text: str
    numbers: frozenset[int]

    @property
    def is_open(self) -> bool:
        """Tell whether it begins with a star, which decides how cron joins the two fields of days."""
        return self.text.startswith("*")


@dataclass(frozen=True)
class When:
    """A kind of KINDS with its value, such as daily and 02:00. DefinitionError if it means no time."""

    kind: str
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DefinitionError(f"a schedule is one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.next_after(datetime(2024, 1, 1)) is None:  # noqa: DTZ001 - any time of the host's clock
            raise DefinitionError(f"{self.text!r} never comes", hint="is there such a day in that month?")

    def __str__(self) -> str:
        return " ".join((self.kind, *self.text.split()))

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words of the command line that stand for it."""
        return (f"--{self.kind}", self.text) if self.text else (f"--{self.kind}",)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Return the five fields of cron."""
        return _read(_EXPRESSIONS[self.kind](self.text))

    @property
    def cron(self) -> str:
        """Return it as crontab(5) wants it."""
        return " ".join(field.text for field in self.fields)

    @property
    def calendars(self) -> list[str]:
        """Return it as values of OnCalendar= (systemd.time(7)); any of them starts a run.

        Cron joins day of the month and weekday with "or" if both are given, systemd with "and".
        """
        minute, hour, day, month, weekday = self.fields
        days = [(day, weekday)] if day.is_open or weekday.is_open else [(day, _ANY), (_ANY, weekday)]
        clock = f"{_list(hour, 2)}:{_list(minute, 1)}:00"
        return [f"{_weekdays(week)}*-{_list(month, 4)}-{_list(of_month, 3)} {clock}" for of_month, week in days]

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time after a moment, both without a zone; None if there is none.

        An hour that the clock leaves out in spring is not looked at: cron and systemd run it a little later.
        """
        minute, hour, _, _, _ = self.fields
        for number in range(_LOOK_DAYS):
            day = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=number)
            if not self._has_day(day):
                continue
            for at in _clocks(day, hour, minute):
                if at > moment:
                    return at
        return None

    def _has_day(self, day: datetime) -> bool:
        _, _, of_month, month, weekday = self.fields
        if day.month not in month.numbers:
            return False
        hits = (day.day in of_month.numbers, day.isoweekday() % 7 in weekday.numbers)
        return all(hits) if of_month.is_open or weekday.is_open else any(hits)


def _clocks(day: datetime, hour: Field, minute: Field) -> Iterator[datetime]:
    for at in sorted(hour.numbers):
        yield from (day.replace(hour=at, minute=past) for past in sorted(minute.numbers))


def _daily(text: str) -> str:
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise DefinitionError(f"{text!r} is no time of the day", hint="hours and minutes: 02:00")
    return f"{int(match[2])} {int(match[1])} * * *"


def _weekly(text: str) -> str:
    day, _, clock = text.strip().lower().partition(" ")
    if day[:3] not in _DAYS or not (len(day) == 3 or day.endswith("day")):
        raise DefinitionError(f"{text!r} is no day and time", hint="'sun 02:00'")
    return _daily(clock).removesuffix("*") + str(_DAYS.index(day[:3]))


def _hourly(text: str) -> str:
    if text:
        raise DefinitionError(f"hourly takes no value, not {text!r}", hint="--cron '20 * * * *' is 20 minutes past")
    return _SHORTHANDS["@hourly"]


def _cron(text: str) -> str:
    word = text.strip().lower()
    if word.startswith("@") and word not in _SHORTHANDS:
        raise DefinitionError(f"{text!r} is no time", hint=f"{_HINT_CRON}, or one of {', '.join(_SHORTHANDS)}")
    return _SHORTHANDS.get(word, word)


def _every(text: str) -> str:
    minutes = read_duration(text) / 60
    if minutes in range(1, 60) and 60 % minutes == 0:
        return "* * * * *" if minutes == 1 else f"*/{minutes:.0f} * * * *"
    hours = minutes / 60
    if hours in range(1, 25) and 24 % hours == 0:
        return {1: "0 * * * *", 24: "0 0 * * *"}.get(int(hours), f"0 */{hours:.0f} * * *")
    raise DefinitionError(
        f"every {text} would be another time each day", hint="a part of an hour or of a day: 15m, 30m, 1h, 2h, 6h, 12h"
    )


_EXPRESSIONS: Mapping[str, Callable[[str], str]] = {
    "daily": _daily, "weekly": _weekly, "hourly": _hourly, "cron": _cron, "every": _every,
}  # fmt: skip


def _read(expression: str) -> tuple[Field, ...]:
    words = expression.split()
    if len(words) != len(_FIELDS):
        raise DefinitionError(f"{expression!r} has {len(words)} fields, not 5", hint=_HINT_CRON)
    return tuple(_field(word, *about) for word, about in zip(words, _FIELDS, strict=True))


def _field(word: str, what: str, allowed: range, names: Mapping[str, int]) -> Field:
    parts = [_part(part, what, allowed, names) for part in word.split(",")]
    numbers = frozenset().union(*(numbers for _, numbers in parts))
    if allowed == _FIELDS[4][1]:
        numbers = frozenset(number % 7 for number in numbers)  # Sunday is 0 and 7
    return Field(",".join(text for text, _ in parts), numbers)


def _part(part: str, what: str, allowed: range, names: Mapping[str, int]) -> tuple[str, frozenset[int]]:
    match = _PART.fullmatch(part)
    if match is None:
        raise _wrong(part, what, allowed)
    first, last, step = match.groups()
    if step and (int(step) == 0 or (first and not last)):
        raise _wrong(part, what, allowed)
    begin = allowed[0] if first is None else _number(first, names, part, what, allowed)
    end = allowed[-1] if first is None else begin if last is None else _number(last, names, part, what, allowed)
    if last and last in names and end == 0:
        end = 7  # fri-sun
    if end < begin:
        raise _wrong(part, what, allowed)
    text = "*" if first is None else f"{begin}-{end}" if last else str(begin)
    return text + (f"/{int(step)}" if step else ""), frozenset(range(begin, end + 1, int(step or 1)))


def _number(word: str, names: Mapping[str, int], part: str, what: str, allowed: range) -> int:
    if word in names:
        return names[word]
    if not word.isdigit() or int(word) not in allowed:
        raise _wrong(part, what, allowed)
    return int(word)


def _wrong(part: str, what: str, allowed: range) -> DefinitionError:
    return DefinitionError(f"{part!r} is no {what} from {allowed[0]} to {allowed[-1]}", hint=_HINT_CRON)


_ANY = Field("*", frozenset())


def _list(field: Field, place: int) -> str:
    """Return the numbers of a field as systemd lists them; `place` says which field of crontab it is, from 1."""
    everything = field.text == "*" or field.numbers == frozenset(_FIELDS[place - 1][1])
    return "*" if everything else ",".join(f"{number:02}" for number in sorted(field.numbers))


def _weekdays(field: Field) -> str:
    if field.text == "*" or len(field.numbers) == len(_DAYS):
        return ""
    return ",".join(_DAYS[number].capitalize() for number in sorted(field.numbers)) + " "
