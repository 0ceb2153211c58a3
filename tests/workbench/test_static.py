"""The committed bundles are the ones that the build note names, and load nothing from anywhere."""

import hashlib
import re
from pathlib import Path

import anywidget
import pytest

from sbkernel.workbench.definitions.definition_panel import DefinitionWidget
from sbkernel.workbench.foot import Foot
from sbkernel.workbench.nodes import console_view
from sbkernel.workbench.nodes.console_view import ConsoleWidget
from sbkernel.workbench.nodes.grid import GridWidget
from sbkernel.workbench.nodes.node_table import NodeTableWidget
from sbkernel.workbench.records.record_panel import RecordWidget

STATIC = Path(console_view.__file__).parents[1] / "static"
NOTE = (STATIC / "BUILD.md").read_text()
SUMS = dict(reversed(line.split()) for line in NOTE.split("## sha256")[1].splitlines() if line)


@pytest.mark.parametrize("name", ["console.js", "console.css", "console.src.js", "console.src.css"])
def test_checksums(name: str) -> None:
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == SUMS[name], "build it again (BUILD.md)"


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")) + sorted(STATIC.glob("*.css")), ids=lambda p: p.name)
def test_nothing_is_loaded(path: Path) -> None:
    loaded = re.findall(r"""(?:import\s*\(?|fetch\(|url\(|src=)\s*["']?(https?:[^"')\s]+)""", path.read_text())
    assert loaded == []


WIDGETS = {
    "console.src": ConsoleWidget, "definitions": DefinitionWidget, "foot": Foot, "grid": GridWidget,
    "nodes": NodeTableWidget, "records": RecordWidget,
}  # fmt: skip


@pytest.mark.parametrize(("script", "widget"), WIDGETS.items())
def test_a_script_reads_and_writes_what_its_widget_has(script: str, widget: type[anywidget.AnyWidget]) -> None:
    text = (STATIC / f"{script}.js").read_text()
    used = set(re.findall(r'model\.(?:get|set)\("(\w+)"', text)) | set(re.findall(r'"change:(\w+)"', text))
    assert used and used <= set(widget.class_trait_names(sync=True))


def test_the_licence_of_what_is_bundled_is_beside_it() -> None:
    licence = (STATIC / "LICENSE.xterm").read_text()
    assert "The xterm.js authors" in licence
    assert "WITHOUT WARRANTY OF ANY KIND" in licence
    assert "LICENSE.xterm" in (STATIC / "console.js").read_text()[:200]
