"""JupyterLab shows the pages beside the notebooks: from the first notebook to the first page, and on to all others."""

import re
from pathlib import Path

import nbformat

from sbkernel.records import library
from sbkernel.site import Site

LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_links_of_notebooks_and_pages_lead_somewhere_and_reach_every_page(tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site:
        library.refresh(site)
        directory = library.working_directory(site)
    todo, seen = [directory / "start-here.ipynb"], set()
    while todo:
        file = todo.pop().resolve()
        if file in seen:
            continue
        assert file.is_file(), file
        seen.add(file)
        texts = (
            [cell.source for cell in nbformat.read(file, 4).cells] if file.suffix == ".ipynb" else [file.read_text()]
        )
        todo += [
            file.parent / link
            for text in texts
            for link in LINK.findall(re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL))
        ]
    assert set((directory / "docs").glob("*.md")) <= seen
