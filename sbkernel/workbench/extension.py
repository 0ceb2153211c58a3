"""The IPython extension of the sbkernel kernel.

The values of the rooms above show as HTML at the end of a cell, and an error that is meant for people shows its
message and hint instead of a traceback through our code; `%debug` still leads there.
`%load_ext sbkernel.workbench.extension` does the same in any other kernel.
"""

from __future__ import annotations

from typing import Any

from sbkernel.errors import SbkernelError

_RED, _END = "\x1b[31m", "\x1b[0m"


def load_ipython_extension(shell: Any) -> None:
    """Teach the shell how to show jobs and packed images; loading it twice is harmless."""
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("sbkernel.jobs.job", "Job", _job)
    formatter.for_type_by_name("sbkernel.images.catalog", "ImageVersion", _image_version)
    formatter.for_type_by_name("sbkernel.images.resolution", "ListResolution", _resolution)
    setattr(SbkernelError, "_render_traceback_", _traceback)  # noqa: B010 - IPython's name, unknown to the class


def _traceback(error: SbkernelError) -> list[str]:
    first, *more = str(error).split("\n")
    return [f"{_RED}{type(error).__name__}{_END}: {first}", *more]


def _job(job: Any) -> Any:
    from sbkernel.workbench import job_card
    from sbkernel.workbench.panel import Shown

    now = job_card.snapshot(job)
    return Shown(job_card.render(now), job_card.line(now), {"job": job.id})._repr_mimebundle_()


def _image_version(version: Any) -> Any:
    from sbkernel.workbench.images import image_version

    return image_version(version)._repr_mimebundle_()


def _resolution(resolved: Any) -> Any:
    from sbkernel.workbench.remarks import resolution

    return resolution(resolved)._repr_mimebundle_()
