"""The schedules of a site: when they run and how that went; run, switch off and add them, with the command for each."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel.errors import SbkernelError
from sbkernel.records import library, parameters
from sbkernel.records.parameters import Parameter
from sbkernel.records.schedules import last, schedule
from sbkernel.records.schedules.definition import LIMIT, Schedule, Tell
from sbkernel.records.schedules.listing import Listing, python, words
from sbkernel.records.schedules.when import KINDS, When
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.displays import schedules as display
from sbkernel.workbench.html import div, edge, mono, muted
from sbkernel.workbench.panel import Panel

_EXAMPLES = {"daily": "02:00", "weekly": "sun 02:00", "hourly": "", "cron": "30 2 * * mon-fri", "every": "6h"}
_LOOK_S = 0.5
_LOOKS = 60  # a guard begins within seconds
_WIDE = {"width": "480px"}
_LABEL = {"description_width": "110px"}


class SchedulePanel(Panel):
    """The schedules of a site. `value` is what is listed. Headless, it is the list alone."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.value: Listing = schedule.ls(site)
        super().__init__()

    def html(self) -> Markup:
        """Return the list."""
        return display.listing(self.value).html

    def text(self) -> str:
        """Return the list as `sb schedule ls` prints it."""
        return str(self.value)

    def calls(self) -> Sequence[Call]:
        """Return how schedules are listed without this panel; each has its own command beside it."""
        return [call("list", schedule.ls, sb=["schedule", "ls"])]

    def widget(self) -> Any:
        """Return the list, a line of buttons for the chosen schedule, and a form for a new one."""
        self._list = ipywidgets.HTML()
        self._said = ipywidgets.HTML()
        self._chosen = ipywidgets.Dropdown(description="Schedule", style=_LABEL, layout=_WIDE)
        self._chosen.observe(lambda _: self._explain(), "value")
        self._equal = ipywidgets.HTML()
        verbs = {
            "Run now": ("play", "Start it as its timer does", self._run),
            "Enable": ("toggle-on", "Let its timer start it, or put the timer right", self._enable),
            "Disable": ("toggle-off", "Remove its timer; it can still be run by hand", self._disable),
            "Refresh": ("refresh", "Look again", lambda: "looked again"),
        }
        self._buttons = [self._button(text, *about) for text, about in verbs.items()]
        self._form = _Form(self.site, self._add)
        self._draw()
        return ipywidgets.VBox([
            self._list, self._chosen, ipywidgets.HBox(self._buttons), self._equal, self._said,
            ipywidgets.Accordion([self._form.box], titles=("Add a schedule",)).add_class("sbk-opens"),
        ])  # fmt: skip

    def look(self) -> None:
        """Read the schedules again."""
        self.value = schedule.ls(self.site)
        if self._widget is None:
            self.refresh()
        else:
            self._draw()

    def _button(self, text: str, icon: str, tooltip: str, verb: Callable[[], str]) -> Any:
        made = ipywidgets.Button(description=text, icon=icon, tooltip=tooltip)
        made.on_click(lambda _: self._do(verb))
        return made

    def _do(self, verb: Callable[[], str]) -> None:
        """Do what was pressed, and say how it went, in the words of the command line."""
        try:
            said, tone = verb(), "ok"
        except (SbkernelError, OSError) as error:
            said, tone = str(error), "bad"
        self.value = schedule.ls(self.site)
        self._draw()
        self._said.value = str(div(said, style=f"{edge(tone)};white-space:pre-wrap", role="status"))

    def _run(self) -> str:
        name = self._name()
        schedule.start(self.site, name)
        threading.Thread(target=self._follow, args=[name], name=f"schedule-{name}", daemon=True).start()
        return f"{name} runs. sb schedule run {name}"

    def _follow(self, name: str) -> None:
        """Look again when a run has begun, and when it has ended."""
        wake = threading.Event()
        before = last.stored(self.site, name)
        for _ in range(_LOOKS):
            if last.stored(self.site, name) != before:
                break
            wake.wait(_LOOK_S)
        self.look()
        while last.is_running(self.site, name):
            wake.wait(_LOOK_S)
        self.look()

    def _enable(self) -> str:
        done = schedule.enable(self.site, self._name())
        return "\n".join([f"{done.schedule.name} is started by {done.timer}", *done.remarks])

    def _disable(self) -> str:
        name = self._name()
        schedule.disable(self.site, name)
        return f"{name} is disabled. sb schedule disable {name}"

    def _add(self, draft: Schedule) -> None:
        def add() -> str:
            done = schedule.add(
                self.site, draft.notebook, draft.values, when=draft.when, name=draft.name, limit=draft.limit,
                tell=draft.tell,
            )  # fmt: skip
            return "\n".join([f"{done.schedule.name}: {done.state}, started by {done.timer}", *done.remarks])

        self._do(add)

    def _name(self) -> str:
        if not self._chosen.value:
            raise SbkernelError("there is no schedule yet", hint="add one below")
        return str(self._chosen.value)

    def _draw(self) -> None:
        self._list.value = str(self.html())
        names = [row.name for row in self.value]
        if list(self._chosen.options) != names:
            kept = self._chosen.value
            self._chosen.options = names
            self._chosen.value = kept if kept in names else next(iter(names), None)
        for button in self._buttons[:-1]:
            button.disabled = not names
        self._explain()

    def _explain(self) -> None:
        """Show the Python and the command line that make the chosen schedule."""
        found = next((row.schedule for row in self.value if row.name == self._chosen.value), None)
        self._equal.value = str(equal(found)) if found else ""


def equal(made: Schedule) -> Markup:
    """Return the command line and the Python that stand for a schedule."""
    style = "white-space:pre-wrap;word-break:break-word"
    return div(div(muted("$ "), mono(shlex.join(words(made))), style=style), div(mono(python(made)), style=style))


class _Form:
    """The form of a new schedule: a notebook, its parameters, when it runs and who is told."""

    def __init__(self, site: Site, add: Callable[[Schedule], None]) -> None:
        self._paths = {path.stem: path for path in library.notebooks(site)}
        self._add = add
        self._notebook = ipywidgets.Dropdown(options=sorted(self._paths), description="Notebook", **_LOOK)
        self._name = _line("Name", "the name of the notebook")
        self._kind = ipywidgets.Dropdown(options=KINDS, description="Runs", **_LOOK)
        self._at = _line("At", _EXAMPLES["daily"])
        self._limit = _line("Time limit", LIMIT)
        self._mail = _line("Mail to", "name@host")
        self._webhook = _line("Webhook", "https://..., or file:PATH of a secret one")
        self._success = ipywidgets.Checkbox(description="Tell of success, too", indent=False)
        self._parameters = ipywidgets.VBox()
        self._known: dict[str, Parameter] = {}
        self._fields: dict[str, Any] = {}
        self._equal = ipywidgets.HTML()
        press = ipywidgets.Button(description="Add", icon="plus", button_style="primary", tooltip="Make this schedule")
        press.on_click(lambda _: self._pressed())
        self._notebook.observe(lambda _: self._choose(), "value")
        self._kind.observe(self._kind_chosen, "value")
        lines = (self._name, self._at, self._limit, self._mail, self._webhook, self._success)
        for one in (self._kind, *lines):
            one.observe(lambda _: self._explain(), "value")
        self._choose()
        self.box = ipywidgets.VBox([
            self._notebook, self._parameters, self._kind, self._at, self._name, self._limit, self._mail,
            self._webhook, self._success, self._equal, press,
        ])  # fmt: skip

    def _choose(self) -> None:
        """Show a field for each parameter of the chosen notebook; an empty one keeps the default."""
        self._known = parameters.declared(self._paths[self._notebook.value])
        self._fields = {name: _line(name, one.default) for name, one in self._known.items()}
        for field in self._fields.values():
            field.observe(lambda _: self._explain(), "value")
        self._parameters.children = [
            ipywidgets.HBox([field, ipywidgets.HTML(str(muted(self._known[name].help)))])
            for name, field in self._fields.items()
        ]
        self._explain()

    def _kind_chosen(self, change: dict[str, Any]) -> None:
        self._at.placeholder = _EXAMPLES[change["new"]]
        self._at.disabled = change["new"] == "hourly"

    def draft(self) -> Schedule:
        """Return the schedule that is typed. Raises SbkernelError for what cannot be one."""
        given = {name: field.value for name, field in self._fields.items() if field.value}
        values = {name: parameters.from_text(self._known[name], text) for name, text in given.items()}
        kind = self._kind.value
        when = When(kind, "" if kind == "hourly" else self._at.value.strip() or _EXAMPLES[kind])
        made = Schedule(
            name=self._name.value.strip() or self._notebook.value, notebook=self._notebook.value, kind=when.kind,
            at=when.text, values=values, limit=self._limit.value.strip() or LIMIT, tell=self._tell(),
        )  # fmt: skip
        made.check()
        return made

    def _tell(self) -> Tell:
        return Tell(self._mail.value.strip(), self._webhook.value.strip(), success=self._success.value)

    def _explain(self) -> None:
        try:
            shown = equal(self.draft())
        except SbkernelError as error:
            shown = div(str(error), style=f"{edge('bad')};white-space:pre-wrap")
        self._equal.value = str(shown)

    def _pressed(self) -> None:
        try:
            draft = self.draft()
        except SbkernelError:
            self._explain()  # which says what is wrong
            return
        self._add(draft)


_LOOK: dict[str, Any] = {"style": _LABEL, "layout": _WIDE}


def _line(label: str, example: str) -> Any:
    return ipywidgets.Text(description=label, placeholder=example, **_LOOK)
