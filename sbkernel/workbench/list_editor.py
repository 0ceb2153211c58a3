"""Edit a list file in a cell: a text area whose remarks follow what is typed."""

from __future__ import annotations

from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel.errors import SbkernelError
from sbkernel.html import MONO, card, chip, heading, log, mono, muted, span
from sbkernel.lists import edit
from sbkernel.lists.edit import ListFiles
from sbkernel.workbench.panel import Panel
from sbkernel.workbench.remarks import remarks_table

_ROWS = 22


class ListEditor(Panel):
    """The text of a list file, with Save and Undo while somebody is there; a record keeps the text and its remarks."""

    def __init__(self, files: ListFiles) -> None:
        self.files = files
        self.value = files.text
        self.said: object = ""
        super().__init__()

    def html(self) -> Markup:
        """Return the text and its remarks."""
        return card(self._heading(), log(self.value), remarks_table(self.remarks))

    def text(self) -> str:
        """Return the file and its remarks."""
        return "\n".join([str(self.files.path), *map(str, self.remarks)])

    def about(self) -> dict[str, Any]:
        """Return the image."""
        return {"image": self.files.image}

    @property
    def remarks(self) -> tuple[Any, ...]:
        """Return what is wrong or odd in the text as it is now."""
        return self.files.check(self.value)

    def type(self, text: str) -> None:
        """Take the text as it is typed; nothing is written."""
        self.value, self.said = text, ""
        self._look()

    def save(self) -> None:
        """Write the text; what stands against it is said in the panel."""
        self._say(lambda: self.files.write(self.value))

    def undo(self) -> None:
        """Take the last edit back."""
        self._say(self.files.undo)
        self.value = self.files.text
        if self._widget is not None:
            self._area.value = self.value

    def _say(self, action: Any) -> None:
        try:
            done = action()
            self.said = chip(f"saved, {len(done.diff)} lines differ" if done else "nothing to save", "ok")
        except SbkernelError as error:
            self.said = span(str(error), style="color:#d1453b;white-space:pre-wrap")
        self._look()

    def _heading(self) -> Markup:
        changed = chip("not saved", "warn") if self.value != self.files.text else None
        return heading(f"{self.files.attribute} of {self.files.image}", mono(self.files.path), " ", changed, self.said)

    def _look(self) -> None:
        if self._widget is not None:
            self._above.value = str(self._heading())
            self._below.value = str(remarks_table(self.remarks) or muted("nothing to remark"))
        self.refresh()

    def widget(self) -> Any:
        """Return the text area between the name of the file and the remarks."""
        self._above = ipywidgets.HTML(str(self._heading()))
        self._area = ipywidgets.Textarea(value=self.value, rows=_ROWS)
        self._area.layout.width = "960px"
        self._area.add_class("sbkernel-list")
        style = ipywidgets.HTML(f"<style>.sbkernel-list textarea{{{MONO};font-size:12px}}</style>")
        self._below = ipywidgets.HTML(str(remarks_table(self.remarks) or muted("nothing to remark")))
        save = ipywidgets.Button(description="Save", button_style="primary")
        undo = ipywidgets.Button(description="Undo", tooltip="Take the last saved edit back")
        self._area.observe(lambda change: self.type(change["new"]), "value")
        save.on_click(lambda _: self.save())
        undo.on_click(lambda _: self.undo())
        return ipywidgets.VBox([style, self._above, self._area, ipywidgets.HBox([save, undo]), self._below])


edit.editor = ListEditor
