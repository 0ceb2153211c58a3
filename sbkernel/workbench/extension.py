"""The IPython extension of the sbkernel kernel: the values of the rooms above show as HTML at the end of a cell.

`%load_ext sbkernel.workbench.extension` does the same in any other kernel.
"""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Teach the shell how to show jobs, definitions and packed images; loading it twice is harmless."""
    formatter = shell.display_formatter.mimebundle_formatter
    formatter.for_type_by_name("sbkernel.jobs.job", "Job", _job)
    formatter.for_type_by_name("sbkernel.definitions.definition", "Definition", _definition)
    formatter.for_type_by_name("sbkernel.images.catalog", "ImageVersion", _image_version)


def _job(job: Any) -> Any:
    from sbkernel.workbench import job_card
    from sbkernel.workbench.panel import Shown

    now = job_card.snapshot(job)
    return Shown(job_card.render(now), job_card.line(now), {"job": job.id})._repr_mimebundle_()


def _definition(definition: Any) -> Any:
    from sbkernel.workbench.definitions import definition as shown

    return shown(definition)._repr_mimebundle_()


def _image_version(version: Any) -> Any:
    from sbkernel.workbench.images import image_version

    return image_version(version)._repr_mimebundle_()
