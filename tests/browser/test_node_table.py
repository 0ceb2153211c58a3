"""The buttons of the node table in a page of its own: who was asked about is who is sent."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sbkernel import workbench

from .pagecheck import focused, problems

pytestmark = pytest.mark.e2e

SCRIPT = (Path(workbench.__file__).parent / "static" / "nodes.js").read_text()
# What anywidget hands to a view: the traits, and a way to the kernel.
OPEN = """async ([script, names]) => {
    const { default: view } = await import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    const listeners = {}, traits = { rows: names.map((node) => ({ node })), busy: false };
    window.sent = [];
    window.model = {
        get: (name) => traits[name],
        set: (name, value) => { traits[name] = value; listeners['change:' + name](); },
        on: (name, listener) => { listeners[name] = listener; },
        off: () => {},
        send: (message) => window.sent.push(message),
    };
    view.render({ model: window.model, el: document.body });
}"""
SHOW = "(names) => window.model.set('rows', names.map((node) => ({ node })))"


@pytest.fixture
def table(page: Page) -> Page:
    page.goto("about:blank")
    page.evaluate(OPEN, [SCRIPT, ["n1", "n2", "n3"]])
    return page


def choose(table: Page, node: str, chosen: bool = True) -> None:
    table.get_by_role("checkbox", name=node, exact=True).set_checked(chosen)


def sent(table: Page) -> list[dict[str, Any]]:
    return table.evaluate("window.sent")


def press(table: Page, label: str) -> None:
    table.get_by_role("button", name=label, exact=True).click()


def test_the_selection_changes_after_the_question(table: Page) -> None:
    choose(table, "n1")
    press(table, "Off")
    choose(table, "n1", False)
    choose(table, "n2")
    assert sent(table) == []
    press(table, "Off n1?")
    assert sent(table) == [{"action": "off", "nodes": ["n1"]}]


def test_the_selection_is_emptied_or_filled_after_the_question(table: Page) -> None:
    choose(table, "n1")
    choose(table, "n3")
    press(table, "Reset")
    choose(table, "all nodes")
    choose(table, "all nodes", False)
    press(table, "Reset n1, n3?")
    assert sent(table) == [{"action": "reset", "nodes": ["n1", "n3"]}]
    expect(table.get_by_role("button", name="Reset", exact=True)).to_be_disabled()


def test_the_rows_change_after_the_question(table: Page) -> None:
    choose(table, "all nodes")
    press(table, "Off")
    table.evaluate(SHOW, ["n2", "n3", "n4", "n5"])
    press(table, "Off n1, n2, n3?")
    assert sent(table) == [{"action": "off", "nodes": ["n1", "n2", "n3"]}]


def test_many_nodes_are_counted_and_named_on_demand(table: Page) -> None:
    names = [f"n{number}" for number in range(1, 13)]
    table.evaluate(SHOW, names)
    choose(table, "all nodes")
    press(table, "Boot")
    asks = table.get_by_role("button", name="Boot 12 nodes?")
    expect(asks).to_have_attribute("title", ", ".join(names))
    asks.click()
    assert sent(table) == [{"action": "boot", "nodes": names}]


def test_a_question_that_nobody_answers_is_withdrawn(table: Page) -> None:
    choose(table, "n1")
    press(table, "Off")
    expect(table.get_by_role("button", name="Off", exact=True)).to_be_visible(timeout=10_000)
    press(table, "On")
    assert sent(table) == [{"action": "on", "nodes": ["n1"]}]


def test_a_row_that_changes_keeps_the_keyboard(table: Page) -> None:
    box = table.get_by_role("checkbox", name="n2", exact=True)
    box.focus()
    table.evaluate("window.model.set('rows', ['n1', 'n2', 'n4'].map((node) => ({ node, status: 'booted' })))")
    expect(box).to_be_focused()
    table.keyboard.press("Space")
    expect(table.locator(".sbk-nodes-count")).to_have_text("1 of 3 chosen")
    table.keyboard.press("Tab")
    expect(table.get_by_role("checkbox", name="n4", exact=True)).to_be_focused()


def test_a_hold_is_about_the_nodes_that_were_chosen_and_needs_a_reason(table: Page) -> None:
    choose(table, "n1")
    table.get_by_role("button", name="Hold …").press("Enter")
    reason = table.get_by_role("textbox", name="why they are held")
    expect(reason).to_be_focused()
    assert problems(table.locator("body")) == [] and focused(table.locator("body"))[1]
    table.keyboard.press("Enter")
    assert sent(table) == []
    choose(table, "n2")
    reason.fill("waits for a new DIMM")
    reason.press("Enter")
    assert sent(table) == [{"action": "hold", "nodes": ["n1"], "reason": "waits for a new DIMM"}]
    expect(reason).to_be_hidden()
    expect(table.get_by_role("button", name="Hold …")).to_be_focused()


def test_only_held_nodes_are_released(table: Page) -> None:
    table.evaluate("window.model.set('rows', [{ node: 'n1' }, { node: 'n2', held: 'alice: hers' }])")
    release = table.get_by_role("button", name="Release", exact=True)
    choose(table, "n1")
    expect(release).to_be_disabled()
    choose(table, "n2")
    release.click()
    assert sent(table) == [{"action": "release", "nodes": ["n1", "n2"]}]
