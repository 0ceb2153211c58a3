"""Define, build, boot and roll out stateless Linux images from notebooks.

The rooms (sub-packages) stand in the order in which work flows through them; a room imports only rooms above
it: errors, files, definitions, site, lists, packages, jobs, images, netboot, nodes, service, rollout, records,
workbench, bench, docs, cli. Importing this package imports nothing else, so that `sb lsdef` starts fast; in a notebook
it teaches the kernel, whichever it is, to show our values. `%load_ext sbkernel` adds `%sb VERB …`, the command line in
a cell.
"""

import importlib
import sys
from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Teach an IPython shell to show our values and errors, and give it the magic %sb. Twice does no harm."""
    for module, name in (("workbench.extension", "load_ipython_extension"), ("cli.magic", "load")):
        getattr(importlib.import_module(f"{__name__}.{module}"), name)(shell)


_ipython = sys.modules.get("IPython")
if _ipython is not None and (_shell := _ipython.get_ipython()) is not None:
    from sbkernel.workbench.extension import load_ipython_extension as _show_values

    _show_values(_shell)
