"""What all displays share: a widget in a live session, and HTML that stays.

Each display is a bundle of text/html and text/plain, and in a live session of a widget. `settle` replaces the widget by
its HTML, because a saved widget without its kernel shows an error.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

from IPython import get_ipython
from IPython.display import DisplayHandle, display
from markupsafe import Markup

from sbkernel.workbench import calls
from sbkernel.workbench.calls import Call

_WIDGET = "application/vnd.jupyter.widget-view+json"


def interactive() -> bool:
    """Tell whether this is a live session, in which somebody can press a button.

    $SBK_HEADLESS, which our papermill engine sets, decides. Else it is whether the front end accepts input; papermill,
    nbconvert and voila do not. The kernel has no public name for that; if it is missing, the session is not live.
    """
    if "SBK_HEADLESS" in os.environ:
        return os.environ["SBK_HEADLESS"] == "0"
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


class Panel(ABC):
    """Something shown in a cell. Subclasses define its HTML, its text and, if there is one, its widget.

    Below it stand the calls that do the same. What `say` is told, a screen reader reads out.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._foot: Any = None
        self._widget: Any = self.widget() if interactive() else None
        self._view: Any = None if self._widget is None else self._with_foot()

    @abstractmethod
    def html(self) -> Markup:
        """Return the HTML, which a record shows."""

    @abstractmethod
    def text(self) -> str:
        """Return the text for a terminal, of one or a few lines."""

    def widget(self) -> Any:
        """Return a widget for a live session, or None."""
        return None

    def calls(self) -> Sequence[Call]:
        """Return the Python and the command lines that do what this panel does."""
        return ()

    def say(self, text: str) -> None:
        """Tell a screen reader what has happened, and show the calls as they are by now."""
        if self._foot is not None:
            self._foot.calls, self._foot.said = [list(one) for one in self.calls()], text

    def about(self) -> dict[str, Any]:
        """Return what the record collects from this display: job, image, digest."""
        return {}

    def show(self) -> Self:
        """Display it in the running cell."""
        self._handle = display(self._bundle(self._view), raw=True, metadata=self._metadata(), display_id=True)
        return self

    def settle(self) -> None:
        """Replace the display by its present HTML. The widget remains for pages that are already open."""
        self._update(None)

    def refresh(self) -> None:
        """Update the displayed HTML, if no widget does that."""
        if self._widget is None:
            self._update(None)

    def _update(self, widget: Any) -> None:
        if self._handle is not None:
            self._handle.update(self._bundle(widget), raw=True, metadata=self._metadata())

    def _bundle(self, widget: Any) -> dict[str, Any]:
        html = self.html() + (calls.shown(self.calls()) or "")
        bundle: dict[str, Any] = {"text/plain": self.text(), "text/html": str(html)}
        if widget is not None:
            bundle[_WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        return bundle

    def _with_foot(self) -> Any:
        import ipywidgets

        from sbkernel.workbench.foot import Foot

        self._foot = Foot(calls=[list(one) for one in self.calls()])
        return ipywidgets.VBox([self._widget, self._foot])

    def _metadata(self) -> dict[str, Any]:
        about = self.about()
        return {"sbkernel": about} if about else {}

    def _ipython_display_(self) -> None:
        self.show()


class Shown:
    """A value with a fixed display: HTML for notebooks, text for terminals, an entry for the record."""

    def __init__(self, html: Markup, text: str, about: dict[str, Any] | None = None) -> None:
        self.html = html
        self.text = text
        self.about = about or {}

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        metadata = {"sbkernel": self.about} if self.about else {}
        return {"text/plain": self.text, "text/html": str(self.html)}, metadata
