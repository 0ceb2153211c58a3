"""How values are shown at the end of a cell: as the HTML that is registered here for their types.

Values have plain text only. SHOWN names, for each type, the function that renders it; both are imported when the first
such value is shown, and not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

SHOWN: Mapping[str, str] = {
    "sbkernel.definitions.definition:Definition": "sbkernel.workbench.displays.definitions:definition",
    "sbkernel.definitions.editing.changeset:ChangeSet": "sbkernel.workbench.displays.definitions:changes",
    "sbkernel.definitions.editing.definition_diff:DefinitionDiff": "sbkernel.workbench.displays.definitions:diff",
    "sbkernel.definitions.editing.selection:Objects": "sbkernel.workbench.displays.definitions:objects",
    "sbkernel.images.capture.captured:Captured": "sbkernel.workbench.displays.captured:captured",
    "sbkernel.images.catalog.version:ImageVersion": "sbkernel.workbench.displays.images:image_version",
    "sbkernel.images.imgcapture:CapturePlan": "sbkernel.workbench.displays.captured:plan",
    "sbkernel.images.plan:Planned": "sbkernel.workbench.images.shown:plan",
    "sbkernel.images.resolution:ListResolution": "sbkernel.workbench.displays.images:resolution",
    "sbkernel.netboot.diagnosis.seen:Diagnosis": "sbkernel.workbench.displays.stuck:diagnosis",
    "sbkernel.packages.diff.diff:Diff": "sbkernel.workbench.displays.packagediff:diff",
    "sbkernel.packages.diff.matrix:Matrix": "sbkernel.workbench.displays.packages:matrix",
    "sbkernel.packages.diff.policy:Verdict": "sbkernel.workbench.displays.packages:verdict",
    "sbkernel.records.kept.comparison:RecordDiff": "sbkernel.workbench.displays.records:diff",
    "sbkernel.records.kept.listing:Records": "sbkernel.workbench.displays.records:listing",
    "sbkernel.records.kept.told:Told": "sbkernel.workbench.displays.records:told",
    "sbkernel.records.kept.trend:Trend": "sbkernel.workbench.displays.records:trend",
    "sbkernel.records.schedules.listing:Listing": "sbkernel.workbench.displays.schedules:listing",
    "sbkernel.records.whatruns:WhatRuns": "sbkernel.workbench.displays.made:whatruns",
    "sbkernel.records.why:Why": "sbkernel.workbench.displays.made:why",
    "sbkernel.rollout.testboot.verdicts:Verdict": "sbkernel.workbench.displays.testboot:verdict",
    "sbkernel.service.boots:Boots": "sbkernel.workbench.nodes.waterfalls:waterfalls",
    "sbkernel.rollout.waves.plan:RolloutPlan": "sbkernel.workbench.displays.rollout:plan",
    "sbkernel.rollout.waves.report:RolloutReport": "sbkernel.workbench.displays.rollout:report",
    "sbkernel.service.stuck:Stuck": "sbkernel.workbench.displays.stuck:stuck",
    "sbkernel.rollout.versions.listed:Versions": "sbkernel.workbench.displays.versions:versions",
    "sbkernel.jobs.job:Job": "sbkernel.workbench.displays.jobs:job",
}
"""Type: function of one value that returns markup, or an object with _repr_mimebundle_. Subclasses show as the type."""


def register(shell: Any) -> None:
    """Teach an IPython shell to show the types of SHOWN; doing it twice is harmless."""
    formatter = shell.display_formatter.mimebundle_formatter
    for shown, by in SHOWN.items():
        module, _, name = shown.partition(":")
        formatter.for_type_by_name(module, name, _renderer(by))


def html_of(value: Any) -> str:
    """Return a value as HTML, as a cell would show it; KeyError when neither its type nor a base is in SHOWN."""
    shown = _bundle(_rendered_by(type(value)), value)
    return str((shown[0] if isinstance(shown, tuple) else shown)["text/html"])


def _rendered_by(kind: type) -> str:
    names = (f"{base.__module__}:{base.__name__}" for base in kind.__mro__)
    found = next((SHOWN[name] for name in names if name in SHOWN), None)
    if found is None:
        raise KeyError(f"{kind.__module__}:{kind.__name__}")
    return found


def _renderer(by: str) -> Callable[..., Any]:
    return lambda value, **_: _bundle(by, value)


def _bundle(by: str, value: Any) -> Any:
    """Return what IPython calls a MIME bundle: types of content, and metadata where there is some.

    Markup has no text/plain with it: IPython then prints the value in its usual way.
    """
    module, _, name = by.partition(":")
    rendered = getattr(importlib.import_module(module), name)(value)
    if hasattr(rendered, "_repr_mimebundle_"):
        return rendered._repr_mimebundle_()
    return {"text/html": str(rendered)}
