"""Choose two things with packages and see what changed: filtered in a live session, in full in a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
from IPython.display import display
from markupsafe import Markup

from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import short
from sbkernel.nodes import contents
from sbkernel.packages.diff import policyfile
from sbkernel.packages.diff.change import KINDS
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.formats import diff_table
from sbkernel.packages.diff.matrix import Matrix
from sbkernel.packages.diff.policy import Verdict
from sbkernel.packages.manifest import manifest
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.displays.packagediff import changes, summary
from sbkernel.workbench.html import card, div, edge, muted
from sbkernel.workbench.panel import Panel, Shown, interactive

_ALL = "every change"
ATTENTION = "attention"


def diff(site: Site, a: str, b: str, *, by: str = "") -> Diff:
    """Compare two things, named as for `sb diff`, by package or source."""
    return contents.diff(site, a, b, by=by)


def matrix(site: Site, *words: str, differing: bool = True, by: str = "") -> Matrix:
    """Show the packages of many things side by side, named as for `sb diff`, by package or source."""
    return contents.matrix(site, words, differing=differing, by=by)


def guard(found: Diff, file: str | Path) -> Verdict | None:
    """Check a diff against the policy in a file, if there is one. Raises PolicyError if it is broken."""
    if not file:
        return None
    verdict = policyfile.load(Path(file).expanduser()).check(found)
    display(verdict)
    return verdict.enforce()


class DiffChooser(Panel):
    """Two things to compare, and the summary of what changed. `value` is the diff.

    The default of `a` is the version before `b`. In a live session the user can choose other things. Headless, wrong
    names raise.
    """

    def __init__(self, site: Site, a: str, b: str) -> None:
        self.site = site
        self.words = (a, b)
        self.value = Diff(manifest([], name=a), manifest([], name=b), ())
        self.problem = ""
        self._followers: list[Callable[[], None]] = []
        try:
            self.words = (a or contents.before(site, b), b)
            self.value = contents.diff(site, *self.words)
        except SbkernelError as error:
            if not interactive():
                raise
            self.problem = str(error)
        super().__init__()

    def html(self) -> Markup:
        """Return the summary, or why there is none."""
        if self.problem:
            return card(div(self.problem, style=f"{edge('bad')};white-space:pre-wrap"))
        return card(summary(self.value))

    def text(self) -> str:
        """Return the summary."""
        return self.problem or self.value.summary

    def calls(self) -> Sequence[Call]:
        """Return how the two are compared without this panel."""
        return [call("compare", contents.diff, *self.words, sb=["diff", *self.words])]

    def about(self) -> dict[str, Any]:
        """Return the names of what is compared."""
        return {"diff": {"a": self.value.a.name, "b": self.value.b.name, "counts": self.value.counts}}

    def choose(self, a: str, b: str) -> None:
        """Compare other things. If that fails, the panel shows why and keeps the previous diff."""
        self.words, self.problem = (a, b), ""
        try:
            self.value = contents.diff(self.site, a, b)
        except (SbkernelError, OSError) as error:
            self.problem = str(error)
        for follow in self._followers:
            follow()

    def follow(self, changed: Callable[[], None]) -> None:
        """Call a function whenever other things are compared."""
        self._followers.append(changed)

    def widget(self) -> Any:
        """Return two fields, which offer the names of the site, above the summary."""
        fields = [self._field(word, label) for word, label in zip(self.words, ("From", "To"), strict=True)]
        swap = ipywidgets.Button(icon="exchange", tooltip="swap the two", layout={"width": "40px"})
        shown = ipywidgets.HTML(value=str(self.html()))

        def chosen(_change: object) -> None:
            if all(field.value for field in fields) and (fields[0].value, fields[1].value) != self.words:
                shown.value = str(card(muted("reading …")))
                self.choose(fields[0].value, fields[1].value)
                shown.value = str(self.html())
                self.say(self.text().partition("\n")[0])

        def swapped(_button: object) -> None:
            a, b = self.words
            self.words = (b, b)  # so that a change of only the first field compares nothing
            fields[0].value, fields[1].value = b, a

        for field in fields:
            field.observe(chosen, "value")
        swap.on_click(swapped)
        return ipywidgets.VBox([ipywidgets.HBox([fields[0], swap, fields[1]]), shown])

    def _field(self, word: str, label: str) -> Any:
        return ipywidgets.Combobox(
            value=word, options=choices(self.site), description=label, ensure_option=False, continuous_update=False,
            layout={"width": "430px"}, style={"description_width": "44px"},
        )  # fmt: skip


class DiffTable(Panel):
    """The rows of a diff with a filter by text and kind. It follows a chooser."""

    def __init__(self, source: Diff | DiffChooser) -> None:
        self.source = source
        self.needle, self.kind = "", _ALL
        super().__init__()
        if isinstance(source, DiffChooser):
            source.follow(self._look)

    @property
    def diff(self) -> Diff:
        """Return the whole diff."""
        return self.source.value if isinstance(self.source, DiffChooser) else self.source

    @property
    def value(self) -> Diff:
        """Return the diff with only the rows that are shown."""
        kinds = [self.kind] if self.kind in KINDS else []
        return self.diff.only(self.needle, kinds, attention=self.kind == ATTENTION)

    def html(self) -> Markup:
        """Return the rows that the filter selects."""
        shown = self.value
        said = f"{len(shown)} of {len(self.diff)} rows" if len(shown) != len(self.diff) else f"{len(shown)} rows"
        return card(muted(said), changes(shown) if shown.rows else None)

    def text(self) -> str:
        """Return the rows as the command line prints them."""
        return diff_table(self.value).partition("\n\n")[2] or "no rows"

    def calls(self) -> Sequence[Call]:
        """Return how the two are compared without this panel."""
        return self.source.calls() if isinstance(self.source, DiffChooser) else ()

    def filter(self, needle: str = "", kind: str = _ALL) -> None:
        """Select rows by a text in name, group or section, by kind, or by attention."""
        self.needle, self.kind = needle, kind
        self._look()

    def widget(self) -> Any:
        """Return the filter above the rows."""
        text = ipywidgets.Text(
            placeholder="name, group or section", tooltip="only rows with this text", layout={"width": "300px"}
        )
        kind = ipywidgets.Dropdown(
            options=[_ALL, ATTENTION, *KINDS], value=_ALL, tooltip="only rows of this kind", layout={"width": "160px"}
        )
        self._shown = ipywidgets.HTML(value=str(self.html()))
        for field in (text, kind):
            field.observe(lambda _change: self.filter(text.value, kind.value), "value")
        return ipywidgets.VBox([ipywidgets.HBox([text, kind]), self._shown])

    def _look(self) -> None:
        if self._widget is not None:
            self._shown.value = str(self.html())
        self.refresh()


class Following(Panel):
    """Another view of what a chooser compares. It is drawn again when other things are chosen.

    Headless, an error raises; in a live session it is shown, because the user can choose again.
    """

    def __init__(self, chosen: DiffChooser, view: Callable[[DiffChooser], Shown]) -> None:
        self.chosen, self.view = chosen, view
        self.shown = self._looked()
        super().__init__()
        chosen.follow(self._look)

    def html(self) -> Markup:
        """Return the view as HTML."""
        return self.shown.html

    def text(self) -> str:
        """Return the view as text."""
        return self.shown.text

    def about(self) -> dict[str, Any]:
        """Return the names of what the view shows."""
        return self.shown.about

    def _look(self) -> None:
        self.shown = self._looked()
        self.refresh()

    def _looked(self) -> Shown:
        try:
            return self.view(self.chosen)
        except SbkernelError as error:
            if not interactive():
                raise
            return Shown(card(muted(str(error))), str(error))


def choices(site: Site) -> list[str]:
    """Return the names that the fields offer: images, their versions, their lists, and nodes."""
    catalog = Catalog(site)
    words: list[str] = []
    for image in sorted(site.osimages):
        digests = [short(version.digest) for version in catalog.versions(image)]
        versions = [f"{image}@previous"] if catalog.pointers(image).previous else []
        words += [image, *versions, *(f"{image}@{digest}" for digest in digests), f"resolve:{image}"]
    return [*words, *sorted(site.nodes)]
