"""Panels and rich displays for notebooks. They render and decide nothing.

Owns widgets and HTML with inline styles. Each panel calls the function that the command line calls. A name is imported
when it is first used: importing ipywidgets and pandas takes longer than all else at the start of a kernel.
"""

import importlib
from typing import TYPE_CHECKING, Any

import sbkernel.lists.edit as lists_edit

if TYPE_CHECKING:
    from sbkernel.workbench.definitions.definition_panel import DefinitionPanel
    from sbkernel.workbench.definitions.diagnostics import remarks
    from sbkernel.workbench.definitions.list_editor import ListEditor, ListsEditor
    from sbkernel.workbench.definitions.shown import definition, lists
    from sbkernel.workbench.displays.images import image_version, resolution
    from sbkernel.workbench.frames import table
    from sbkernel.workbench.images.comparison import DiffChooser, DiffTable, diff, guard, matrix
    from sbkernel.workbench.images.image_chooser import ImageChooser
    from sbkernel.workbench.images.shown import packages, plan, weights
    from sbkernel.workbench.images.whereabouts import directories, growth, treemap
    from sbkernel.workbench.jobs.job_view import JobView, show
    from sbkernel.workbench.nodes.boot import console_lines, timeline
    from sbkernel.workbench.nodes.boot_view import BootView
    from sbkernel.workbench.nodes.console_view import ConsoleView
    from sbkernel.workbench.nodes.grid import NodeGrid
    from sbkernel.workbench.nodes.node_table import NodeTable
    from sbkernel.workbench.panel import interactive
    from sbkernel.workbench.records.record_panel import RecordPanel
    from sbkernel.workbench.records.schedule_panel import SchedulePanel
    from sbkernel.workbench.rollout.rollout_panel import RolloutPanel
    from sbkernel.workbench.rollout.version_panel import VersionPanel

__all__ = [
    "BootView", "ConsoleView", "DefinitionPanel", "DiffChooser", "DiffTable", "ImageChooser", "JobView", "ListEditor",
    "ListsEditor", "NodeGrid", "NodeTable", "RecordPanel", "RolloutPanel", "SchedulePanel", "VersionPanel",
    "console_lines", "definition", "diff", "directories", "growth", "guard", "image_version", "interactive", "lists",
    "matrix", "packages", "plan", "remarks", "resolution", "show", "table", "timeline", "treemap", "weights",
]  # fmt: skip

_MODULES = {
    "images.comparison": ("DiffChooser", "DiffTable", "diff", "guard", "matrix"),
    "nodes.console_view": ("ConsoleView",),
    "definitions.definition_panel": ("DefinitionPanel",),
    "definitions.shown": ("definition", "lists"),
    "definitions.diagnostics": ("remarks",),
    "displays.images": ("image_version", "resolution"),
    "frames": ("table",),
    "images.image_chooser": ("ImageChooser",),
    "images.shown": ("packages", "plan", "weights"),
    "jobs.job_view": ("JobView", "show"),
    "definitions.list_editor": ("ListEditor", "ListsEditor"),
    "nodes.boot": ("console_lines", "timeline"),
    "nodes.boot_view": ("BootView",),
    "nodes.grid": ("NodeGrid",),
    "nodes.node_table": ("NodeTable",),
    "panel": ("interactive",),
    "records.record_panel": ("RecordPanel",),
    "rollout.version_panel": ("VersionPanel",),
    "records.schedule_panel": ("SchedulePanel",),
    "rollout.rollout_panel": ("RolloutPanel",),
    "images.whereabouts": ("directories", "growth", "treemap"),
}
_FROM = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_FROM[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _list_editor(files: lists_edit.ListFiles) -> Any:
    return __getattr__("ListEditor")(files)


lists_edit.editor = _list_editor
