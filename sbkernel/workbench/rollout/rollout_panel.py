"""Watch a roll-out, stop it or take it back. It lies on disk: any number of pages and kernels may show the same one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any, Self

import ipywidgets
from markupsafe import Markup

from sbkernel.errors import JobCancelledError, SbkernelError
from sbkernel.rollout.waves.journal import GO_BACK, INTERRUPTED, RUNNING, STAY, find
from sbkernel.rollout.waves.progress import DONE, STOPPED
from sbkernel.rollout.waves.report import RolloutReport, report, report_of
from sbkernel.rollout.waves.rollout import cancel, resume, rollout
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.displays.rollout import render
from sbkernel.workbench.panel import Panel

_LOOK_S = 0.5
_ARMED_S = 6.0
_RESUME = "resume"
_BUTTONS = {
    STAY: ("Stop here", "stop", "Send nothing more; nodes stay as they are: sb rollout --cancel {id} --stay"),
    GO_BACK: ("Go back", "undo", "Take its nodes back to what they booted before: sb rollout --cancel {id} --back"),
    _RESUME: ("Resume", "play", "Its process was killed; go on: sb rollout --resume {id}"),
}
_SURE = {STAY: "Stop here: sure?", GO_BACK: "Go back: sure?"}


class RolloutPanel(Panel):
    """A roll-out by its id, else the newest; `await` it in a cell to wait for its end.

    `await` returns its report when it is done. It raises SbkernelError when it went back or was interrupted, and
    JobCancelledError when it was stopped. The stop button of the notebook ends the waiting, not the roll-out.
    """

    def __init__(self, site: Site, rollout_id: str = "") -> None:
        self.site = site
        self._rollout = find(site, rollout_id)
        self._now = report_of(self._rollout)
        self._ended = threading.Event()
        self._armed, self._armed_at = "", 0.0
        self._said = ""
        super().__init__()

    def __await__(self) -> Generator[Any, None, RolloutReport]:
        return self._wait().__await__()

    def html(self) -> Markup:
        """Return the card of the roll-out."""
        return render(self._now)

    def text(self) -> str:
        """Return how it stands, a line a wave."""
        return str(self._now)

    def about(self) -> dict[str, Any]:
        """Return which roll-out it is, what of, and its state."""
        plan = self._now.progress.plan
        return {"rollout": self._now.id, "image": plan.image, "digest": plan.digest, "state": self._now.state}

    def calls(self) -> Sequence[Call]:
        """Return what began it, what shows it and what the buttons do."""
        name, plan = self._rollout.id, self._now.progress.plan
        return [
            Call("roll out", f"from {rollout.__module__} import {rollout.__name__}\n{plan.call}", plan.command),
            call("show", report, name, sb=["rollout", "--show", name]),
            call("stop here", cancel, name, STAY, sb=["rollout", "--cancel", name, "--stay"]),
            call("go back", cancel, name, GO_BACK, sb=["rollout", "--cancel", name, "--back"]),
            call("resume", resume, name, sb=["rollout", "--resume", name]),
        ]

    def widget(self) -> Any:
        """Return the card with its buttons below; each that ends something asks once more."""
        self._card = ipywidgets.HTML(value=str(self.html()))
        self._note = ipywidgets.HTML()
        self._buttons = {}
        for name, (label, icon, tooltip) in _BUTTONS.items():
            button = ipywidgets.Button(description=label, icon=icon, tooltip=tooltip.format(id=self._rollout.id))
            button.on_click(lambda _button, name=name: self._press(name))
            self._buttons[name] = button
        self._show_buttons()
        return ipywidgets.VBox([self._card, ipywidgets.HBox(list(self._buttons.values())), self._note])

    def show(self) -> Self:
        """Display it and follow it until it has ended."""
        super().show()
        threading.Thread(target=self._follow, name=f"rollout-{self._rollout.id}", daemon=True).start()
        return self

    def settle(self) -> None:
        """Replace the buttons by the card as it is now."""
        self._ended.set()
        super().settle()

    async def _wait(self) -> RolloutReport:
        if self._handle is None:
            self.show()
        while self._look().state == RUNNING:
            await asyncio.sleep(_LOOK_S)
            self.refresh()
        if self._now.state != INTERRUPTED:
            self.settle()
        if self._now.state == DONE:
            return self._now
        kind = JobCancelledError if self._now.state == STOPPED else SbkernelError
        raise kind(f"{self._now.progress.plan.version}: {self._now.state}", hint=self._now.why or None)

    def _look(self) -> RolloutReport:
        self._now = report_of(self._rollout)
        return self._now

    def _follow(self) -> None:
        """Show what has changed, and the plain card when it is over, so that a saved notebook needs no kernel."""
        state = self._now.state
        while not self._ended.wait(_LOOK_S):
            now = self._look()
            if self._widget is not None:
                self._card.value = str(self.html())
                self._show_buttons()
            if now.state != state:
                state = now.state
                self.say(f"{now.progress.plan.version}: {state}")
            if now.state not in (RUNNING, INTERRUPTED):
                self.settle()

    def _press(self, name: str) -> None:
        if name in _SURE and self._armed != name:
            self._armed, self._armed_at = name, time.monotonic()
        else:
            self._armed = ""
            self._do(name)
        self._show_buttons()

    def _do(self, name: str) -> None:
        try:
            if name == _RESUME:
                resume(self.site, self._rollout.id)
            else:
                cancel(self.site, self._rollout.id, name)
            self._said = "" if name == _RESUME else "It ends as soon as what was sent has an answer."
        except (SbkernelError, OSError) as error:
            self._said = str(error)
        self.say(self._said)
        self._note.value = str(Markup("<div>{}</div>").format(self._said))

    def _show_buttons(self) -> None:
        if time.monotonic() - self._armed_at > _ARMED_S:
            self._armed = ""
        state = self._now.state
        for name, button in self._buttons.items():
            button.description = _SURE[name] if self._armed == name else _BUTTONS[name][0]
            button.button_style = "danger" if self._armed == name else ""
            shown = state == INTERRUPTED or (state == RUNNING and name != _RESUME)
            button.layout.display = "" if shown else "none"
