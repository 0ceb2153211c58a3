"""Edit list files in a cell: text areas with remarks that follow what is typed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel import lists
from sbkernel.errors import SbkernelError
from sbkernel.images.tree.lint import check, lint, of_list
from sbkernel.lists.edit import ListFiles
from sbkernel.lists.kinds import LIST_ATTRIBUTES
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.definitions.diagnostics import remarks_table
from sbkernel.workbench.definitions.shown import lists as list_texts
from sbkernel.workbench.html import MONO, card, chip, edge, heading, log, mono, muted, span
from sbkernel.workbench.panel import Panel, Shown

_ROWS = 22


class ListEditor(Panel):
    """The text of a list file, with Save and Undo in a live session. A record keeps the text and its remarks.

    While somebody types, texts alone are looked at; Save looks at packages and the tree, too, as sb lint does.
    If somebody else has saved the list meanwhile, Save says so, and only a second Save replaces it.
    """

    def __init__(self, files: ListFiles) -> None:
        self.files = files
        self.value = self.saved = files.text
        self.said: object = ""
        self._whole: tuple[Any, ...] | None = None
        super().__init__()

    def html(self) -> Markup:
        """Return the text and its remarks."""
        return card(self._heading(), log(self.value), remarks_table(self.remarks))

    def text(self) -> str:
        """Return the file and its remarks."""
        return "\n".join([str(self.files.path), *map(str, self.remarks)])

    def calls(self) -> Sequence[Call]:
        """Return how lists are shown and changed without this panel."""
        return list_calls(self.files.image)

    def about(self) -> dict[str, Any]:
        """Return the image."""
        return {"image": self.files.image}

    @property
    def remarks(self) -> tuple[Any, ...]:
        """Return what is wrong or odd in the present text."""
        known = self._whole if self.value == self.saved else None
        return check(self.files, self.value) if known is None else known

    def type(self, text: str) -> None:
        """Take the text as it is typed; nothing is written."""
        if text != self.value:
            self.value, self.said = text, ""
            self._look()

    def save(self) -> None:
        """Write the text. If that fails, the panel shows why."""
        try:
            done = self.files.write(self.value, over=self.saved)
            self.said = chip(f"saved; lines changed: {len(done.diff)}" if done else "nothing to save", "ok")
            self._take_saved()  # a copy of a shipped list has other paths of its includes
            self._whole = of_list(self.files)
        except SbkernelError as error:
            self.said = _wrong(error)
            self._look_again()
        self._look()

    def _take_saved(self) -> None:
        self.value = self.saved = self.files.text
        if self._widget is not None:
            self._area.value = self.value

    def _look_again(self) -> None:
        """Check whether the file has changed. The next Save then replaces that text."""
        with contextlib.suppress(SbkernelError):
            if (now := self.files.text) != self.saved:
                self.saved, self._whole = now, None
                self.said = _wrong("Somebody else has saved this list. Save replaces that text, Undo shows it.")

    def undo(self) -> None:
        """Go back to the saved text. If nothing was typed, take back the last saved edit."""
        try:
            if self.value != self.saved:
                self.said = chip("back to the saved text", "ok")
            else:
                self.said = chip(f"taken back; lines changed: {len(self.files.undo().diff)}", "ok")
                self._whole = None
            self._take_saved()
        except SbkernelError as error:
            self.said = _wrong(error)
        self._look()

    def _heading(self) -> Markup:
        changed = chip("not saved", "warn") if self.value != self.saved else None
        return heading(f"{self.files.attribute} of {self.files.image}", mono(self.files.path), " ", changed, self.said)

    def _look(self) -> None:
        if self._widget is not None:
            self._above.value = str(self._heading())
            self._below.value = str(remarks_table(self.remarks) or muted("no remarks"))
        self.refresh()

    def widget(self) -> Any:
        """Return the text area between the name of the file and the remarks."""
        self._above = ipywidgets.HTML(str(self._heading()))
        self._area = ipywidgets.Textarea(
            value=self.value, rows=_ROWS, tooltip=f"{self.files.attribute} of {self.files.image}"
        )
        self._area.layout.width, self._area.layout.max_width = "auto", "960px"
        self._area.add_class("sbkernel-list")
        style = ipywidgets.HTML(f"<style>.sbkernel-list textarea{{{MONO};font-size:12px}}</style>")
        self._below = ipywidgets.HTML(str(remarks_table(self.remarks) or muted("no remarks")))
        save = ipywidgets.Button(description="Save", button_style="primary")
        undo = ipywidgets.Button(description="Undo", tooltip="Back to the saved text; then: take back the last save")
        self._area.observe(lambda change: self.type(change["new"]), "value")
        save.on_click(lambda _: self.save())
        undo.on_click(lambda _: self.undo())
        return ipywidgets.VBox([style, self._above, self._area, ipywidgets.HBox([save, undo]), self._below])


def list_calls(image: str) -> Sequence[Call]:
    """Return how the lists of an image are shown, changed and checked without a panel."""
    add = call("add", lists.of, image, sb=["pkg", image, "add", "PACKAGE"])
    return [
        call("show", lists.of, image, sb=["pkg", image, "list"]),
        add._replace(python=f"{add.python}.pkglist.add('PACKAGE')"),
        call("check", lint, image, sb=["lint", image]),
    ]


def _wrong(said: object) -> Markup:
    return span(str(said), style=f"{edge('bad')};white-space:pre-wrap")


class ListsEditor(Panel):
    """All list files of an osimage, each with an editor in a live session. A record keeps their text."""

    def __init__(self, site: Site, image: str) -> None:
        self.site, self.image = site, image
        super().__init__()

    def html(self) -> Markup:
        """Return the text of all lists."""
        return self._shown().html

    def text(self) -> str:
        """Return the names of the files."""
        return self._shown().text

    def calls(self) -> Sequence[Call]:
        """Return how lists are shown and changed without this panel."""
        return list_calls(self.image)

    def about(self) -> dict[str, Any]:
        """Return the image."""
        return {"image": self.image}

    def _shown(self) -> Shown:
        return list_texts(self.site.osimages[self.image])

    def widget(self) -> Any:
        """Return a button for each kind of list, even if the osimage does not have it yet, above the editor."""
        # Not a Tab: it ignored the mouse when the notebook was opened again on a running kernel.
        editors = {attribute: _opened(ListFiles(self.site, self.image, attribute)) for attribute in LIST_ATTRIBUTES}
        chosen = ipywidgets.ToggleButtons(options=LIST_ATTRIBUTES)
        shown = ipywidgets.VBox([chosen, editors[chosen.value]])

        def choose(change: dict[str, Any]) -> None:
            shown.children = (chosen, editors[change["new"]])

        chosen.observe(choose, "value")
        return shown


def _opened(files: ListFiles) -> Any:
    try:
        editor = ListEditor(files)
    except SbkernelError as error:
        return ipywidgets.HTML(str(_wrong(error)))
    return editor._widget
