"""The extension of our kernel, in a real IPython shell."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.site import Site
from sbkernel.workbench import extension


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell()
    extension.load_ipython_extension(made)
    extension.load_ipython_extension(made)
    yield made
    del SbkernelError._render_traceback_  # type: ignore[attr-defined]


def test_definitions_show_as_html_and_text(shell: InteractiveShell, tmp_path: Path) -> None:
    with Site.open(tmp_path) as site:
        data, _ = shell.display_formatter.format(site.osimages["debian12-x86_64-netboot-compute"])
    assert "pkglist" in data["text/html"]
    assert data["text/plain"].startswith("osimage: debian12-x86_64-netboot-compute\n")


def test_an_error_for_people_is_its_message_and_hint(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.push({"NotFoundError": NotFoundError})
    shell.run_cell("raise NotFoundError('no node n1', hint='sb lsdef shows them')")
    shown = capsys.readouterr().out
    assert "NotFoundError\x1b[0m: no node n1\n  sb lsdef shows them" in shown
    assert "Traceback" not in shown


def test_any_other_error_keeps_its_traceback(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("1/0")
    assert "Traceback" in capsys.readouterr().out


def test_any_kernel_shows_our_values_once_sbkernel_is_imported(tmp_path: Path) -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('from sbkernel.jobs.job import Job')\n"
        "known = shell.display_formatter.mimebundle_formatter\n"
        "assert known.lookup_by_type(shell.user_ns['Job'])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
