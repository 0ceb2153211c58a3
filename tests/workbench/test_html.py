"""HTML that survives: everything is escaped, every style is inline, nothing is loaded."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from sbkernel.units import seconds, size
from sbkernel.workbench import charts, html
from sbkernel.workbench.nodes import ansi

TAGS = {"div", "span", "table", "thead", "tbody", "tr", "td", "th", "pre", "details", "summary"}
text = st.text(max_size=30) | st.sampled_from(["<script>alert(1)</script>", "a & b", '"><img src=x onerror=1>', "{0}"])


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


BUILDERS = {
    "card": lambda t: html.card(html.heading(t, html.chip(t), html.muted(t)), html.mono(t)),
    "table": lambda t: html.table([t], [[t], [t]], numeric=[0]),
    "pairs": lambda t: html.pairs({t: t}),
    "details": lambda t: html.details(t, html.log(t)),
    "bars": lambda t: charts.bars([(t, 1.0, t)]),
    "timeline": lambda t: charts.timeline([(t, 1.0, 0.5, t)]),
    "console": ansi.console,
}


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
@given(text)
def test_whatever_text_goes_in_no_markup_comes_of_it(build, given_text: str) -> None:
    page = Reader(build(given_text))
    assert page.tags <= TAGS
    assert page.attributes <= {"style", "open", "title", "scope", "role", "aria-level", "aria-hidden"}


@given(text.filter(lambda t: t.isprintable()))
def test_text_comes_out_as_it_went_in(given_text: str) -> None:
    assert Reader(html.div(given_text)).text == given_text


def test_markup_is_kept_and_none_is_left_out() -> None:
    assert html.div(Markup("<b>x</b>"), None, 3) == "<div><b>x</b>3</div>"


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_bar_stays_in_its_track(fraction: float, start: float) -> None:
    left, width = (float(n) for n in re.findall(r"(?:left|width):([0-9.]+)%", html.bar(fraction, start=start)))
    assert left + width <= 100.01


@pytest.mark.parametrize(("count", "said"), [(0, "0 B"), (999, "999 B"), (111_400_000, "111.4 MB"), (2.5e12, "2.5 TB")])
def test_sizes(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("duration", "said"), [(None, ""), (2.94, "2.9 s"), (72, "1 min 12 s"), (3840, "1 h 4 min"), (59.96, "60.0 s")]
)
def test_durations(duration: float | None, said: str) -> None:
    assert seconds(duration) == said
