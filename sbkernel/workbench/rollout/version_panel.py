"""The versions panel: choose a version, see what promoting, going back or pinning would change, then do it or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel.errors import PolicyError, SbkernelError
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.netboot.nodeset import nodeset
from sbkernel.nodes import contents
from sbkernel.rollout.versions import moving
from sbkernel.rollout.versions.images import versions
from sbkernel.rollout.versions.listed import ListedVersion
from sbkernel.rollout.versions.moving import Moving
from sbkernel.rollout.versions.promote import promote, rollback
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.displays import html_of
from sbkernel.workbench.displays.versions import versions as drawn
from sbkernel.workbench.displays.versions import when
from sbkernel.workbench.html import card, div, edge, heading
from sbkernel.workbench.panel import Panel


class VersionPanel(Panel):
    """All versions of an image, with buttons in a live session. `value` is the chosen one, as IMAGE@DIGEST.

    Nothing is changed before its plan was shown and confirmed. What moved the pointers is their history, and undoing
    is one more move. Where the gate has `refused` to promote a version, a reason can be given.
    """

    def __init__(self, site: Site, image: str) -> None:
        self.site, self.image = site, image
        self.found = versions(site, image)
        self.chosen = self.found.rows[0].version.digest
        self.plan: Moving | None = None
        self.refused = False
        self.said: Markup | None = None
        super().__init__()

    @property
    def value(self) -> str:
        """Return the chosen version."""
        return str(Reference(self.image, short(self.chosen)))

    def html(self) -> Markup:
        """Return the versions and the history of the pointers, and what was done here last."""
        return drawn(self.found).html + (self.said or "")

    def text(self) -> str:
        """Return the versions as `sb images IMAGE` lists them."""
        return str(self.found)

    def about(self) -> dict[str, Any]:
        """Return the image and the digest that nodes boot."""
        return {"image": self.image, "digest": self.found.pointers.current}

    def calls(self) -> Sequence[Call]:
        """Return what the buttons do to the chosen version."""
        pin = f"osimage={self.value}"
        others = (f"{self.image}@current", self.value)
        return [
            call("versions", versions, self.image, sb=["images", self.image]),
            self._promote(),
            call("go back", rollback, self.value, sb=["rollback", self.value]),
            call("pin", nodeset, "NODES", pin, sb=["nodeset", "NODES", pin]),
            call("compare", contents.diff, *others, sb=["diff", *others]),
        ]

    def _promote(self) -> Call:
        if not self.refused:
            return call("promote", promote, self.value, sb=["promote", self.value])
        reason = self.reason or "REASON"
        return call("promote", promote, self.value, untested=reason, sb=["promote", self.value, "--untested", reason])

    @property
    def reason(self) -> str:
        """Return why a version is to be promoted that has no good test boot."""
        return str(self._reason.value).strip() if self._has_widgets() else ""

    def ask_promote(self) -> None:
        """Show what promoting would do; where the gate refuses, a reason can be given."""
        self.refused = False
        self.ask(lambda: moving.promoting(self.site, self.image, self.chosen), gate=True)

    def ask_untested(self) -> None:
        """Show what promoting without a good test boot would do; there must be a reason."""
        reason = self.reason or " "  # which is refused as none
        self.ask(lambda: moving.promoting(self.site, self.image, self.chosen, untested=reason), gate=True)

    def ask(self, make: Callable[[], Moving], *, gate: bool = False) -> None:
        """Show what a change would do; nothing is done. With `gate`, what it refuses can be had for a reason."""
        self.plan, self.refused = None, gate and self.refused
        try:
            self.plan = make()
            self._tell(_plan(self.plan), str(self.plan))
        except (SbkernelError, OSError) as error:
            self.refused = self.refused or (gate and isinstance(error, PolicyError))
            self._wrong(error)
        self._offer()

    def confirm(self) -> None:
        """Do what the plan says. If that fails, the panel shows why."""
        plan = self.plan
        self._forget()
        if plan is None:
            return
        try:
            done = plan.apply(self.site)
            self._tell(_lines("Done", done.splitlines(), "ok"), done)
        except (SbkernelError, OSError) as error:
            self._wrong(error)
        self.look()

    def cancel(self) -> None:
        """Forget the plan."""
        self._forget()
        self._tell(None, "nothing was changed")

    def compare(self, other: str) -> None:
        """Show which packages differ between another version and the chosen one."""
        try:
            found = contents.diff(self.site, other, self.value)
            self._tell(Markup(html_of(found)), found.summary.partition("\n")[0])  # noqa: S704 - our own display
        except (SbkernelError, OSError) as error:
            self._wrong(error)

    def look(self) -> None:
        """Read the versions again, and show them; if that fails, those of before stay."""
        try:
            self.found = versions(self.site, self.image)
        except (SbkernelError, OSError) as error:
            self._wrong(error)
            return
        if self._widget is not None:
            self._fill()
            self._table.value = str(drawn(self.found).html)
        self.refresh()

    def widget(self) -> Any:
        """Return the versions above the buttons, the plan and what was done last."""
        self._table = ipywidgets.HTML(value=str(drawn(self.found).html))
        self._choice = ipywidgets.Dropdown(description="Version", layout={"width": "430px"})
        self._other = ipywidgets.Dropdown(description="Other", layout={"width": "430px"})
        self._nodes = _line("Nodes", "noderange")
        self._reason = _line("Reason", "why it is taken untested; this is kept")
        untested = _button("Promote untested …", self.ask_untested, "let nodes boot it without a good test boot")
        self._why = ipywidgets.HBox([self._reason, untested], layout={"flex_flow": "row wrap"})
        self._below = ipywidgets.HTML()
        self._sure = _button("Do it", self.confirm, "do what the plan says", "primary")
        self._not = _button("Cancel", self.cancel, "change nothing")
        self._asking = ipywidgets.HBox([self._sure, self._not])
        self._choice.observe(self._choose, "value")
        self._reason.observe(self._give_reason, "value")
        self._fill()
        image = self.image
        pointing = [
            _button("Promote …", self.ask_promote, "let nodes boot the chosen version"),
            _button("Go back …", lambda: self.ask(lambda: moving.going_back(self.site, image, self.chosen)),
                    "let nodes boot the chosen version until somebody promotes"),
            _button("Undo …", lambda: self.ask(lambda: moving.undoing(self.site, image)),
                    "put current where it was before it moved last"),
            _button("Look again", self.look, "read the versions again"),
        ]  # fmt: skip
        pin = _button(
            "Pin nodes …",
            lambda: self.ask(lambda: moving.pinning(self.site, image, self.chosen, self._nodes.value)),
            "let these nodes boot the chosen version, whatever current is",
        )
        compare = _button(
            "Compare",
            lambda: self.compare(f"{self.image}@{self._other.value}"),
            "show which packages differ",
        )
        rows = [[self._choice, *pointing], [self._nodes, pin], [self._other, compare]]
        self._offer()
        wrap = {"flex_flow": "row wrap"}
        boxes = [ipywidgets.HBox(row, layout=wrap) for row in rows]
        return ipywidgets.VBox([self._table, *boxes, self._below, self._why, self._asking])

    def _choose(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.chosen = change["new"]
            self._forget()  # it was about another version
            self._tell(None, f"chosen: {self.value}")

    def _give_reason(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.say(f"reason: {change['new']}")

    def _forget(self) -> None:
        self.plan, self.refused = None, False
        if self._has_widgets():
            self._reason.value = ""
        self._offer()

    def _fill(self) -> None:
        options = [(_named(row), row.version.digest) for row in self.found.rows]
        digests = [digest for _, digest in options]
        self.chosen = self.chosen if self.chosen in digests else digests[0]
        self._choice.unobserve(self._choose, "value")  # new names of the same versions are nobody's choice
        self._choice.options, self._choice.value = options, self.chosen
        self._choice.observe(self._choose, "value")
        before, current = self._other.value, self.found.pointers.current
        self._other.options = options  # which chooses none of them
        self._other.value = before if before in digests else current if current in digests else digests[0]

    def _offer(self) -> None:
        """Show the buttons that confirm, and the reason, only while they are for something; the keyboard goes there."""
        if self._has_widgets():
            self._why.layout.display = "" if self.refused else "none"
            if self.refused and not self.plan:
                self._reason.focus()
            self._asking.layout.display = "" if self.plan else "none"
            if self.plan:
                self._not.focus()

    def _wrong(self, error: Exception) -> None:
        self._tell(_lines("Not done", str(error).splitlines(), "bad"), str(error))

    def _tell(self, shown: Markup | None, text: str) -> None:
        self.said = shown
        if self._has_widgets():
            self._below.value = str(shown or "")
        self.say(text)

    def _has_widgets(self) -> bool:
        return hasattr(self, "_asking")


def _line(label: str, example: str) -> Any:
    # Whole when it is left: letters that are sent one by one may come after the click on the button beside it.
    return ipywidgets.Text(description=label, placeholder=example, continuous_update=False, layout={"width": "430px"})


def _button(text: str, press: Callable[[], None], tooltip: str, style: str = "") -> Any:
    made = ipywidgets.Button(description=text, tooltip=tooltip, button_style=style, layout={"width": "auto"})
    made.on_click(lambda _: press())
    return made


def _named(row: ListedVersion) -> str:
    pointers = f" ({', '.join(row.pointers)})" if row.pointers else ""
    return f"{short(row.version.digest)}  packed {when(row.published)}{pointers}"


def _plan(plan: Moving) -> Markup:
    return _lines(f"This will happen: {plan.action} {plan.reference}", plan.will, "busy")


def _lines(title: str, lines: Sequence[str], tone: str) -> Markup:
    return card(div(heading(title), *map(div, lines), style=edge(tone)))
