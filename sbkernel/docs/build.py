"""Build the documentation site: pages to HTML that needs no network, the same bytes every time.

Sphinx with MyST does it. A warning, such as that of a link to nowhere, is an error.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from sbkernel import __version__, resources
from sbkernel.docs.sources import Groups, pages
from sbkernel.errors import BuildError, SbkernelError, ToolMissingError

_OURS = ("index.html", "searchindex.js")
_FOR_SPHINX = (".buildinfo", ".nojekyll")


def build(output: Path, root: click.Group, groups: Groups) -> int:
    """Write the site to a directory, in place of an older one; return the number of pages.

    Errors: ToolMissingError without Sphinx, SbkernelError if the directory holds something else, BuildError with what
    Sphinx complains of; an older site is untouched then.
    """
    if any(find_spec(name) is None for name in ("sphinx", "myst_parser", "furo")):
        raise ToolMissingError(
            "Sphinx, myst-parser or furo is not installed",
            hint="Install 'sbkernel[docs]', or in a checkout call `python3 -m sbkernel docs`.",
        )
    output = output.resolve()
    _check(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as work:
        sources, made = Path(work) / "pages", Path(work) / "html"
        texts = pages(root, groups)
        for name, text in texts.items():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_text(text)
        _sphinx(sources, made, Path(work) / "doctrees")
        for name in _FOR_SPHINX:
            (made / name).unlink(missing_ok=True)
        _replace(output, made, Path(work) / "old")
    return len(texts)


def _check(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise SbkernelError(f"{output} is no directory", hint="Choose another with -o.")
    if output.is_dir() and any(output.iterdir()) and not all((output / name).is_file() for name in _OURS):
        raise SbkernelError(f"{output} holds something else than this documentation", hint="Choose another with -o.")


def _sphinx(sources: Path, made: Path, doctrees: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.console import nocolor
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    config, warnings = resources.templates() / "docs", io.StringIO()
    nocolor()
    try:
        # In a notebook, the same process may build it twice.
        with patch_docutils(config), docutils_namespace():
            Sphinx(
                sources, config, made, doctrees, "html", {"version": __version__}, None, warnings, freshenv=True
            ).build(force_all=True)
    except (SphinxError, OSError) as error:
        raise BuildError(f"the documentation was not built: {error}") from error
    if text := warnings.getvalue().strip():
        raise BuildError(f"the documentation was not built:\n{text.replace(f'{sources}{os.sep}', '')}")


def _replace(output: Path, made: Path, old: Path) -> None:
    if output.exists():
        output.rename(old)
    made.rename(output)
    shutil.rmtree(old, ignore_errors=True)
