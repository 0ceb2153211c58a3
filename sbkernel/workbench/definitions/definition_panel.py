"""The definitions panel: choose an object, see, clone and edit it, with remarks on each value, save and undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from markupsafe import Markup

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.changeset import ChangeSet
from sbkernel.errors import SbkernelError
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, command
from sbkernel.workbench.definitions.definition_editor import EDITABLE_TYPES, Editor
from sbkernel.workbench.definitions.shown import definition
from sbkernel.workbench.html import div, muted
from sbkernel.workbench.panel import Panel

_STATIC = Path(__file__).parents[1] / "static"


class DefinitionWidget(anywidget.AnyWidget):
    """The form in the page. It draws what it gets, and reports what is typed and pressed."""

    _esm = _STATIC / "definitions.js"
    _css = _STATIC / "definitions.css"
    view: Any = traitlets.Dict().tag(sync=True)
    names: Any = traitlets.Dict().tag(sync=True)
    answer: Any = traitlets.Dict().tag(sync=True)
    said: Any = traitlets.Dict().tag(sync=True)


class DefinitionPanel(Panel):
    """The definitions of a site, of which one is open. `value` is its name.

    Each change is one change set, as on the command line. Headless, it shows the given definition.
    """

    def __init__(self, site: Site, name: str = "", objtype: str = "osimage") -> None:
        self.site = site
        self.editor = Editor(site, objtype, name)
        self._drawn = 0
        super().__init__()

    @property
    def value(self) -> str:
        """Return the name of the open object."""
        return self.editor.name

    @property
    def definition(self) -> Definition:
        """Return the open object. Raises NotFoundError for a new one that is not saved yet."""
        return self.site.all_of(self.editor.objtype)[self.value]

    def html(self) -> Markup:
        """Return the open definition, and what was changed in this panel."""
        done = [div(muted(f"changed: {one.text}")) for one in self.editor.done]
        return Markup("").join([self._shown().html, *done])

    def text(self) -> str:
        """Return the open definition as lsdef shows it."""
        return self._shown().text

    def calls(self) -> Sequence[Call]:
        """Return how the open object is shown and changed without this panel."""
        objtype, name = self.editor.objtype, self.value or "NAME"
        of = ("-t", objtype)
        return [
            Call("show", f"site.all_of({objtype!r})[{name!r}]", command("lsdef", *of, name)),
            Call("change", f"site.set({objtype!r}, {name!r}, ATTRIBUTE='VALUE')",
                 command("chdef", *of, "-o", name, "ATTRIBUTE=VALUE")),
            Call("undo", "site.undo()", command("undo")),
        ]  # fmt: skip

    def about(self) -> dict[str, Any]:
        """Return the name of the open object for the record."""
        return {"image" if self.editor.objtype == "osimage" else self.editor.objtype: self.value}

    def widget(self) -> DefinitionWidget:
        """Return the form."""
        made = DefinitionWidget()
        self._draw(made)
        self._search(made, {"objtype": self.editor.objtype, "text": ""})
        made.on_msg(lambda _widget, message, _buffers: self._on_message(made, message))
        return made

    def _shown(self) -> Any:
        there = self.editor.exists
        return definition(self.definition if there else Definition.of(self.editor.objtype, self.value or "none", {}))

    def _on_message(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        verbs: dict[str, Callable[[DefinitionWidget, Mapping[str, Any]], None]] = {
            "search": self._search, "open": self._open, "draft": self._draft, "save": self._save,
            "new": self._new, "clone": self._clone, "undo": self._undo,
        }  # fmt: skip
        try:
            verbs[message["kind"]](widget, message)
        except (SbkernelError, OSError) as error:
            self._say(widget, str(error), "bad")
            if message["kind"] == "open":  # the form waits for a page
                self._draw(widget)

    def _search(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        names, found = self.editor.search(message["objtype"], message["text"])
        widget.names = {"objtype": message["objtype"], "text": message["text"], "names": names, "found": found}

    def _open(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        self.editor.show(message["objtype"], message["name"])
        self._say(widget, "")
        self._draw(widget)

    def _draft(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        widget.answer = {"number": message["number"], **_answer(self.editor.draft(message["edits"]))}

    def _save(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        self.editor.save(message["edits"])
        self._say(widget, f"saved {self.editor.done[-1].text}" if self.editor.done else "saved", "ok")
        self._redraw(widget)

    def _new(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        self.editor.new(message["name"])
        self._say(widget, f"{message['name']} is new: give it attributes, then save it.", "busy")
        self._draw(widget)

    def _clone(self, widget: DefinitionWidget, message: Mapping[str, Any]) -> None:
        source = self.value
        self.editor.clone(message["name"])
        self._say(widget, f"{self.value} is a clone of {source}", "ok")
        self._redraw(widget)

    def _undo(self, widget: DefinitionWidget, _message: Mapping[str, Any]) -> None:
        self._say(widget, f"undone: {self.editor.undo().text}", "ok")
        self._redraw(widget)

    def _redraw(self, widget: DefinitionWidget) -> None:
        self._search(widget, {"objtype": self.editor.objtype, "text": ""})
        self._draw(widget)

    def _draw(self, widget: DefinitionWidget) -> None:
        self._drawn += 1
        editor = self.editor
        widget.view = {
            "drawn": self._drawn, "types": EDITABLE_TYPES, "objtype": editor.objtype, "name": editor.name,
            "exists": editor.exists, "fields": editor.fields(), "table": editor.table(),
            "done": editor.done[-1].text if editor.done else "",
        }  # fmt: skip

    def _say(self, widget: DefinitionWidget, text: str, tone: str = "quiet") -> None:
        widget.said = {"text": text, "tone": tone}


def _answer(draft: ChangeSet) -> dict[str, Any]:
    """Return what the form shows beside and below the fields, for a draft of one object."""
    return {
        "faults": {fault.attribute: str(fault) for fault in draft.faults if fault.attribute},
        "general": [str(fault) for fault in draft.faults if not fault.attribute],
        "edits": [[edit.attribute, edit.before, edit.after] for edit in draft.edits],
    }
