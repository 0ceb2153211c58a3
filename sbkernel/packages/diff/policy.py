"""What may change between two manifests: the rules of a policy, and which of them a diff breaks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from sbkernel.errors import DefinitionError, PolicyError
from sbkernel.packages.diff.change import CHANGED, DOWNGRADED, PackageChange
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.summary import growth, movement, remark
from sbkernel.units import size

_SHOWN = 8
ALL = "all"


class GrowthLimit(NamedTuple):
    """The most that packages may grow: by percent, or by bytes."""

    percent: float | None = None
    size_bytes: float | None = None

    def __str__(self) -> str:
        return f"{self.percent:g} %" if self.percent is not None else size(self.size_bytes or 0)


@dataclass(frozen=True)
class Policy:
    """The rules of a file; `forbid` are kinds of change."""

    forbid: tuple[str, ...] = ()
    growth: GrowthLimit | None = None
    attention: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    file: str = field(default="policy", compare=False)

    def check(self, diff: Diff) -> Verdict:
        """Return what a diff breaks."""
        looks = (_kinds, _growth, _attention, _required, _forbidden)
        return Verdict(self, diff, tuple(violation for look in looks for violation in look(self, diff)))


class Violation(NamedTuple):
    """One rule that was broken: by which rows, or by which packages of the new side."""

    rule: str
    text: str
    rows: tuple[PackageChange, ...] = ()

    def __str__(self) -> str:
        """Return the rule and what broke it, a row a line."""
        more = len(self.rows) - _SHOWN
        lines = [f"    {self._row(row)}" for row in self.rows[:_SHOWN]]
        lines += [f"    and {more} more"] if more > 0 else []
        return "\n".join([f"{self.rule}: {self.text}", *lines])

    def _row(self, row: PackageChange) -> str:
        return movement(row) if self.rule.startswith(f"{row.change}:") else remark(row)


@dataclass(frozen=True)
class Verdict:
    """What a policy says of a diff."""

    policy: Policy
    diff: Diff
    violations: tuple[Violation, ...]

    @property
    def allowed(self) -> bool:
        """Tell whether no rule was broken."""
        return not self.violations

    def enforce(self) -> Verdict:
        """Return itself; PolicyError with every violation when there is one."""
        if self.violations:
            raise PolicyError(str(self), hint=f"change the image, or the rules in {self.policy.file}")
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        broken = [
            {"rule": one.rule, "text": one.text, "rows": [movement(row) for row in one.rows]} for one in self.violations
        ]
        return {"file": self.policy.file, "allowed": self.allowed, "violations": broken}

    def __str__(self) -> str:
        names = f"{self.diff.a.name} -> {self.diff.b.name}"
        if self.allowed:
            return f"{names} keeps the policy {self.policy.file}"
        said = "\n".join(f"  {line}" for one in self.violations for line in str(one).splitlines())
        return f"{names} breaks the policy {self.policy.file}:\n{said}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(str(self))


def _kinds(policy: Policy, diff: Diff) -> Iterator[Violation]:
    tests: dict[str, Callable[[PackageChange], bool]] = {
        # An older version is a downgrade whatever else changed; versions that cannot be ordered may be one.
        DOWNGRADED: lambda row: row.direction < 0 or row.change == CHANGED,
    }
    rows = [row for row in diff.rows if not _is_any(row, policy.exempt)]
    for kind in policy.forbid:
        broken = tuple(row for row in rows if tests.get(kind, lambda row, kind=kind: row.change == kind)(row))
        if broken:
            yield Violation(f"{kind}: forbid", _packages(len(broken)), broken)


def _growth(policy: Policy, diff: Diff) -> Iterator[Violation]:
    limit = policy.growth
    if limit is None:
        return
    if not diff.sized:
        yield Violation(f"growth: {limit}", "one side does not say what its packages weigh")
    elif _grew(diff, limit):
        largest = sorted((row for row in diff.rows if row.delta > 0), key=lambda row: -row.delta)
        yield Violation(f"growth: {limit}", f"grew by {growth(diff)}, most of it in", tuple(largest[:_SHOWN]))


def _grew(diff: Diff, limit: GrowthLimit) -> bool:
    if limit.size_bytes is not None:
        return diff.delta_bytes > limit.size_bytes
    return diff.delta_bytes > diff.a.size_bytes * (limit.percent or 0) / 100


def _attention(policy: Policy, diff: Diff) -> Iterator[Violation]:
    for group in policy.attention:
        if group not in (ALL, *diff.groups):
            hint = f"the groups are {', '.join([*diff.groups, ALL])}; the site attribute attention can name more"
            raise DefinitionError(f"{policy.file}: no attention group {group!r}", hint=hint)
    for group, rows in diff.moved.items():
        if group in policy.attention or ALL in policy.attention:
            broken = tuple(row for row in rows if not _is_any(row, policy.exempt))
            if broken:
                yield Violation(f"attention: {group}", f"{group} may not move", broken)


def _required(policy: Policy, diff: Diff) -> Iterator[Violation]:
    names = {package.name for package in diff.b}
    for pattern in policy.required:
        if not any(fnmatchcase(name, pattern) for name in names):
            gone = tuple(row for row in diff.rows if row.old and fnmatchcase(row.old.name, pattern))
            yield Violation(f"required: {pattern}", f"{diff.b.name} has none", gone)


def _forbidden(policy: Policy, diff: Diff) -> Iterator[Violation]:
    names = sorted({package.name for package in diff.b})
    for pattern in policy.forbidden:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if found:
            yield Violation(f"forbidden: {pattern}", f"{diff.b.name} has {_some(found)}")


def _is_any(row: PackageChange, patterns: Sequence[str]) -> bool:
    names = [package.name for package in (row.old, row.new) if package]
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _packages(count: int) -> str:
    return "1 package" if count == 1 else f"{count} packages"
