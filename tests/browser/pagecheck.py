"""Read a part of a page as the keyboard and a screen reader do: what has no name, no heading, no visible focus."""

from playwright.sync_api import Locator

CHECK = """(root) => {
    const found = [];
    const shown = (one) => one.getClientRects().length > 0;
    const say = (what, one) => found.push(`${what}: ${one.outerHTML.slice(0, 160)}`);
    const text = (one) => (one?.textContent ?? '').trim();
    const byIds = (ids) => (ids ?? '').split(' ').map((id) => text(document.getElementById(id))).join('');
    const named = (id) => id && text(root.querySelector(`label[for="${CSS.escape(id)}"]`));
    const label = (one) => named(one.id) || text(one.closest('label'));
    const name = (one) => one.getAttribute('aria-label') || byIds(one.getAttribute('aria-labelledby')) || one.title;
    for (const one of root.querySelectorAll('button, summary, a[href], [role=button], [role=tab], [role=option]'))
        if (shown(one) && !name(one) && !text(one)) say('nothing is said of what it does', one);
    for (const one of root.querySelectorAll('input, select, textarea, [role=listbox], [role=grid], [role=textbox]'))
        if (shown(one) && one.type !== 'hidden' && !name(one) && !label(one)) say('no label', one);
    for (const one of root.querySelectorAll('img')) if (!one.alt && !one.title) say('no alt', one);
    for (const one of root.querySelectorAll('[role=img], canvas, svg'))
        if (shown(one) && !name(one) && !one.closest('[aria-hidden=true]')) say('a picture without words', one);
    for (const one of root.querySelectorAll('th')) if (shown(one) && !one.scope) say('a heading of nothing', one);
    for (const one of root.querySelectorAll('table'))
        if (shown(one) && one.querySelector('thead') && !one.querySelector('th')) say('a table without headings', one);
    for (const one of root.querySelectorAll('[tabindex]'))
        if (one.tabIndex > 0) say('out of the order of the page', one);
    for (const one of root.querySelectorAll('[onclick], [role=button], [role=option]'))
        if (shown(one) && one.tabIndex < 0 && !one.closest('[aria-activedescendant], [tabindex="0"]'))
            say('no keyboard gets there', one);
    const ids = [...root.querySelectorAll('[id]')].map((one) => one.id);
    for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push(`twice: #${id}`);
    return found;
}"""
FOCUSED = """() => {
    const one = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(one);
    return [one.ariaLabel || one.textContent.trim(), outlineStyle !== 'none' && parseFloat(outlineWidth) > 0];
}"""


def problems(part: Locator) -> list[str]:
    """Return what is wrong with a part of a page, in words and the element."""
    return part.evaluate(CHECK)


def focused(part: Locator) -> tuple[str, bool]:
    """Return the name of what has the keyboard, and whether one sees that."""
    name, is_seen = part.page.evaluate(FOCUSED)
    return name, is_seen
