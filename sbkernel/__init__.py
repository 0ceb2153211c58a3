"""Define, build, boot and roll out stateless Linux images from notebooks.

The rooms (sub-packages) stand in the order in which work flows through them; a room imports only rooms above
it: errors, files, definitions, site, lists, packages, jobs, images, netboot, nodes, service, rollout, records,
workbench, bench, cli. Importing this package imports nothing else, so that `sb lsdef` starts fast; in a notebook it
teaches the kernel, whichever it is, to show our values.
"""

import sys

__version__ = "0.1.0"

_ipython = sys.modules.get("IPython")
if _ipython is not None and (_shell := _ipython.get_ipython()) is not None:
    from sbkernel.workbench.extension import load_ipython_extension

    load_ipython_extension(_shell)
