"""Panels and rich displays for notebooks. They render and decide nothing.

Owns widgets and HTML with inline styles. Each panel calls the function that the command line calls. A name is imported
when it is first used: importing ipywidgets and pandas takes longer than all else at the start of a kernel.
"""

import importlib
from typing import TYPE_CHECKING, Any

import sbkernel.lists.edit as lists_edit

if TYPE_CHECKING:
    from sbkernel.workbench.comparison import DiffChooser, DiffTable, diff, guard, matrix
    from sbkernel.workbench.console_view import ConsoleView
    from sbkernel.workbench.definition_panel import DefinitionPanel
    from sbkernel.workbench.definitions import definition, lists
    from sbkernel.workbench.diagnostics import remarks
    from sbkernel.workbench.displays.images import image_version, resolution
    from sbkernel.workbench.frames import table
    from sbkernel.workbench.image_chooser import ImageChooser
    from sbkernel.workbench.images import packages, plan, weights
    from sbkernel.workbench.job_view import JobView, show
    from sbkernel.workbench.list_editor import ListEditor, ListsEditor
    from sbkernel.workbench.nodes.boot import console_lines, timeline
    from sbkernel.workbench.nodes.boot_view import BootView
    from sbkernel.workbench.nodes.grid import NodeGrid
    from sbkernel.workbench.nodes.node_table import NodeTable
    from sbkernel.workbench.panel import interactive
    from sbkernel.workbench.record_panel import RecordPanel
    from sbkernel.workbench.rollout_panel import RolloutPanel
    from sbkernel.workbench.schedule_panel import SchedulePanel
    from sbkernel.workbench.version_panel import VersionPanel
    from sbkernel.workbench.whereabouts import directories, growth, treemap

__all__ = [
    "BootView", "ConsoleView", "DefinitionPanel", "DiffChooser", "DiffTable", "ImageChooser", "JobView", "ListEditor",
    "ListsEditor", "NodeGrid", "NodeTable", "RecordPanel", "RolloutPanel", "SchedulePanel", "VersionPanel",
    "console_lines", "definition", "diff", "directories", "growth", "guard", "image_version", "interactive", "lists",
    "matrix", "packages", "plan", "remarks", "resolution", "show", "table", "timeline", "treemap", "weights",
]  # fmt: skip

_MODULES = {
    "comparison": ("DiffChooser", "DiffTable", "diff", "guard", "matrix"),
    "console_view": ("ConsoleView",),
    "definition_panel": ("DefinitionPanel",),
    "definitions": ("definition", "lists"),
    "diagnostics": ("remarks",),
    "displays.images": ("image_version", "resolution"),
    "frames": ("table",),
    "image_chooser": ("ImageChooser",),
    "images": ("packages", "plan", "weights"),
    "job_view": ("JobView", "show"),
    "list_editor": ("ListEditor", "ListsEditor"),
    "nodes.boot": ("console_lines", "timeline"),
    "nodes.boot_view": ("BootView",),
    "nodes.grid": ("NodeGrid",),
    "nodes.node_table": ("NodeTable",),
    "panel": ("interactive",),
    "record_panel": ("RecordPanel",),
    "version_panel": ("VersionPanel",),
    "schedule_panel": ("SchedulePanel",),
    "rollout_panel": ("RolloutPanel",),
    "whereabouts": ("directories", "growth", "treemap"),
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
