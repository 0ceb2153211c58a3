"""Panels and rich displays for notebooks: they render, they decide nothing.

Owns widgets and inline-styled HTML. Every panel calls the function that the command line calls.
"""

from sbkernel.workbench.boot import console_lines, timeline
from sbkernel.workbench.boot_view import BootView
from sbkernel.workbench.comparison import DiffChooser, DiffTable, diff, guard, matrix
from sbkernel.workbench.console_view import ConsoleView
from sbkernel.workbench.definition_panel import DefinitionPanel
from sbkernel.workbench.definitions import definition, lists
from sbkernel.workbench.frames import table
from sbkernel.workbench.image_chooser import ImageChooser
from sbkernel.workbench.images import image_version, packages, plan, weights
from sbkernel.workbench.job_view import JobView, show
from sbkernel.workbench.list_editor import ListEditor, ListsEditor
from sbkernel.workbench.node_table import NodeTable
from sbkernel.workbench.panel import interactive
from sbkernel.workbench.remarks import remarks, resolution
from sbkernel.workbench.whereabouts import directories, growth, treemap

__all__ = [
    "BootView",
    "ConsoleView",
    "DefinitionPanel",
    "DiffChooser",
    "DiffTable",
    "ImageChooser",
    "JobView",
    "ListEditor",
    "ListsEditor",
    "NodeTable",
    "console_lines",
    "definition",
    "diff",
    "directories",
    "growth",
    "guard",
    "image_version",
    "interactive",
    "lists",
    "matrix",
    "packages",
    "plan",
    "remarks",
    "resolution",
    "show",
    "table",
    "timeline",
    "treemap",
    "weights",
]
