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
CONTRAST = """([root, text, picture]) => {
    const parsed = (text) => {
        const [r, g, b, a = 1] = text.match(/-?[\\d.]+(?:e-?\\d+)?/g).map(Number);
        return text.startsWith('color(srgb') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((each, n) => each * a + below[n] * (1 - a));
    const light = (rgb) => rgb
        .map((each) => each / 255)
        .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
        .reduce((sum, each, n) => sum + each * [0.2126, 0.7152, 0.0722][n], 0);
    const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
    const within = (one) => (one ? [...within(one.parentElement), one] : []);
    const ground = (ancestors) => ancestors.reduce(
        (below, one) => over(parsed(getComputedStyle(one).backgroundColor), below), [255, 255, 255]);
    const found = [];
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const one = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !one.getClientRects().length) continue;
        if (one.closest(':disabled, script, style, .jp-OutputPrompt')) continue;
        const least = one.closest('[role=img], [aria-hidden=true]') ? picture : text;
        const ancestors = within(one), below = ground(ancestors);
        const seen = ancestors.reduce((part, each) => part * getComputedStyle(each).opacity, 1);
        const [r, g, b, a] = parsed(getComputedStyle(one).color);
        const got = ratio(over([r, g, b, a * seen], below), below);
        if (seen && got < least) found.push(`${got.toFixed(2)}:1 ${texts.currentNode.data.trim().slice(0, 60)}: ` +
            one.outerHTML.slice(0, 160));
    }
    return found;
}"""
AA, AA_PICTURE = 4.5, 3.0
"""How much lighter or darker than its ground text must be, and a mark that is a picture (WCAG 2.2, 1.4.3, 1.4.11)."""
FOCUSED = """() => {
    const one = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(one);
    return [one.ariaLabel || one.textContent.trim(), outlineStyle !== 'none' && parseFloat(outlineWidth) > 0];
}"""


def problems(part: Locator) -> list[str]:
    """Return what is wrong with a part of a page, in words and the element."""
    return part.evaluate(CHECK)


def faint(part: Locator) -> list[str]:
    """Return the text in a part of a page that has less than the contrast of WCAG AA, and how much it has."""
    return part.evaluate(f"(root) => ({CONTRAST})([root, {AA}, {AA_PICTURE}])")


def focused(part: Locator) -> tuple[str, bool]:
    """Return the name of what has the keyboard, and whether one sees that."""
    name, is_seen = part.page.evaluate(FOCUSED)
    return name, is_seen
