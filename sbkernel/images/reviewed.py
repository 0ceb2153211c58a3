"""Plans that were shown, kept by digest, so that a later run can tell what has changed since."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import made, write_if_changed
from sbkernel.images.plan import Plan, differences, plan_from_json
from sbkernel.jobs.report import Report
from sbkernel.site import Site
from sbkernel.units import shortened

KEPT = 100
_SHOWN = 20


class PlanChangedError(BuildError):
    """The plan made now is not the one that was reviewed."""


def remember(site: Site, plan: Plan) -> str:
    """Keep a plan that is about to be shown and return its digest; the oldest beyond KEPT go."""
    directory = made(site.cache / "plans")
    write_if_changed(directory / f"{plan.digest}.json", plan.to_json())
    kept = sorted(directory.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in kept[:-KEPT]:
        file.unlink(missing_ok=True)
    return plan.digest


def check(site: Site, plan: Plan, expected: str, *, any_plan: bool, report: Report) -> None:
    """Raise PlanChangedError, naming steps and inputs that differ, unless a plan has the digest that was reviewed.

    An empty digest expects nothing; with `any_plan` the differences are only logged. The beginning of a digest will do.
    """
    if plan.digest.startswith(expected):
        return
    lines = _differences(site, plan, expected)
    if any_plan:
        report.log("\n".join(["the plan differs from the one that was shown:", *lines]))
        return
    remember(site, plan)
    raise PlanChangedError(
        "\n".join([f"the plan of {plan.image} is no longer the one that was shown ({expected[:12]}):", *lines]),
        hint=f"look at the new one, {plan.digest[:12]}, and give its digest, or --any-plan",
    )


def _differences(site: Site, plan: Plan, expected: str) -> list[str]:
    found = sorted((site.cache / "plans").glob("*.json"))
    known = next((file for file in found if file.stem.startswith(expected)), None)
    if known is None or not _is_digest(expected):
        return [f"  no plan {expected[:12]} was shown by this site, or it is too long ago"]
    lines = differences(_read(known), plan) or ["  it is a plan of another image"]
    return [f"  {line}" for line in shortened(lines, _SHOWN)]


def _is_digest(text: str) -> bool:
    return all(letter in "0123456789abcdef" for letter in text)


def _read(file: Path) -> Plan:
    return plan_from_json(file.read_text())
