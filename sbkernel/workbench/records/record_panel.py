"""The records panel: list, filter, see, compare, open and run again what notebooks have done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import anywidget
import traitlets
from markupsafe import Markup

from sbkernel.errors import SbkernelError
from sbkernel.jobs.job import Job
from sbkernel.records.kept.facts import Kept
from sbkernel.records.kept.gallery import hidden_page
from sbkernel.records.kept.listing import Records, records
from sbkernel.site import Site
from sbkernel.units import seconds
from sbkernel.workbench.calls import Call, command
from sbkernel.workbench.displays.records import listing, tone
from sbkernel.workbench.panel import Panel
from sbkernel.workbench.records.record_choice import Choice, key

_STATIC = Path(__file__).parents[1] / "static"
_ROWS = 200
_LOOK_S, _SHARE = 1.0, 20  # with many records, looking takes no more than this part of the time
_OPTIONS = {"words": "--search"}
_FILTERS = ("words", "status", "notebook", "image")


class RecordWidget(anywidget.AnyWidget):
    """The panel in the page. It draws what it gets, and reports what is typed and pressed."""

    _esm = _STATIC / "records.js"
    _css = _STATIC / "records.css"
    view: Any = traitlets.Dict().tag(sync=True)
    detail: Any = traitlets.Dict().tag(sync=True)
    said: Any = traitlets.Dict().tag(sync=True)
    page: Any = traitlets.Dict().tag(sync=True)


class RecordPanel(Panel):
    """The records of a site that fit a filter; they move while notebooks run. `records` are those that are listed.

    Headless it is their list.
    """

    def __init__(self, site: Site, *, notebook: str = "", image: str = "", status: str = "", words: str = "") -> None:
        self.site = site
        self.filter = {"words": words, "status": status, "notebook": notebook, "image": image}
        self.chosen = Choice()
        self._all = records(site)
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._job: Job | None = None
        self._opened = 0
        super().__init__()

    @property
    def records(self) -> Records:
        """Return the records that are listed."""
        words, status, notebook, image = (self.filter[name] for name in _FILTERS)
        return self._all.select(words=words, status=status, notebook=notebook, image=image)

    def html(self) -> Markup:
        """Return the list."""
        return listing(self.records).html

    def text(self) -> str:
        """Return the list as `sb records ls` prints it."""
        return str(self.records)

    def calls(self) -> Sequence[Call]:
        """Return what lists the records, and what shows, compares or runs again those that are chosen."""
        given = {name: value for name, value in self.filter.items() if value}
        values = ", ".join(f"{name}={value!r}" for name, value in given.items())
        python = f"from {records.__module__} import records\nrecords(site).select({values})"
        words = [word for name, value in given.items() for word in (_OPTIONS.get(name, f"--{name}"), value)]
        return [Call("list", python, command("records", "ls", *words)), *self.chosen.calls(self._all)]

    def widget(self) -> RecordWidget:
        """Return the panel with its filter, its list and its form."""
        made = RecordWidget(view=self._listed(), detail={"html": ""})
        made.on_msg(lambda _widget, message, _buffers: self._on_message(made, message))
        return made

    def show(self) -> Self:
        """Display it and keep it up to date until it is settled."""
        super().show()
        if self._widget is not None:
            threading.Thread(target=self._follow, name="records", daemon=True).start()
        return self

    def settle(self) -> None:
        """Replace the panel by the present list."""
        self._ended.set()
        super().settle()

    def _listed(self) -> dict[str, Any]:
        found = self.records
        return {
            "rows": [_row(one) for one in found.rows[:_ROWS]],
            "found": len(found),
            "total": len(self._all),
            "filter": self.filter,
            "choices": {
                "status": sorted({one.status for one in self._all}),
                "notebook": sorted({one.notebook for one in self._all}),
                "image": sorted({one.image for one in self._all if one.image}),
            },
        }

    def _on_message(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        verbs: dict[str, Callable[[RecordWidget, Mapping[str, Any]], None]] = {
            "filter": self._filter, "choose": self._choose, "again": self._again, "given": self._given,
            "rerun": self._rerun, "open": self._open,
        }  # fmt: skip
        with self._turn:
            try:
                verbs[message["kind"]](widget, message)
            except (SbkernelError, OSError) as error:
                widget.said = {"text": str(error), "tone": "bad"}

    def _filter(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        self.filter = {name: str(message.get(name, "")) for name in _FILTERS}
        widget.view = self._listed()
        self.say("")

    def _choose(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        self.chosen = Choice(tuple(map(str, message["keys"])))
        widget.said, widget.page = {}, {}
        self._draw(widget, self._all)

    def _again(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        self.chosen = replace(self.chosen, same=bool(message["same"]), given=dict(message["given"]))
        self._draw(widget, self._all)

    def _given(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        self.chosen = replace(self.chosen, given=dict(message["given"]))
        widget.said = {}
        self.say("")

    def _rerun(self, widget: RecordWidget, message: Mapping[str, Any]) -> None:
        self.chosen = replace(self.chosen, given=dict(message["given"]))
        self._job = self.chosen.run(self._all)
        widget.said = {"text": f"it runs: job {self._job.id}", "tone": "busy"}

    def _open(self, widget: RecordWidget, _message: Mapping[str, Any]) -> None:
        (one,) = self.chosen.records(self._all)
        self._opened += 1
        widget.page = {"text": hidden_page(self._all, one), "number": self._opened}

    def _draw(self, widget: RecordWidget, found: Records) -> None:
        widget.detail = self.chosen.detail(found)
        self.say("")

    def _follow(self) -> None:
        """Bring the list up to date while notebooks run, and say how what was run again has ended."""
        wait_s = _LOOK_S
        with Site.open(self.site.root) as site:  # threads cannot share a store
            while not self._ended.wait(wait_s):
                begun = time.monotonic()
                self._look(site)
                wait_s = max(_LOOK_S, _SHARE * (time.monotonic() - begun))

    def _look(self, site: Site) -> None:
        try:
            now = records(site)
        except (SbkernelError, OSError):  # what cannot be read now can be read later
            return
        with self._turn:
            if now.rows != self._all.rows:
                before = self.chosen.records(self._all)
                self._all = replace(now, site=self.site)
                self._widget.view = self._listed()
                if self.chosen.records(self._all) != before:
                    self._draw(self._widget, now)
            if self._job is not None and self._job.done:
                self._widget.said = _ended(self._job)
                self._job = None


def _ended(job: Job) -> dict[str, str]:
    if job.state == "succeeded":
        return {"text": f"it ran: {Path(str(job.result.get('record', ''))).stem}", "tone": "ok"}
    return {
        "text": f"{job.state}: {job.error or ''}".strip(": "),
        "tone": "warn" if job.state == "cancelled" else "bad",
    }


def _row(one: Kept) -> dict[str, str]:
    given = (f"{name}={one.parameters[name]}" for name in one.given if name != "image")
    return {
        "key": key(one), "name": one.name, "started": one.started, "status": one.status, "tone": tone(one.status),
        "took": seconds(one.seconds), "notebook": one.notebook, "image": one.image, "parameters": " ".join(given),
        "who": f"{one.who or '?'}@{one.host or '?'}",
    }  # fmt: skip
