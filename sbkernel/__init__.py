"""Define, build, boot and roll out stateless Linux images from notebooks.

The rooms (sub-packages) stand in the order in which work flows through them; a room imports only rooms above
it: errors, definitions, site, lists, packages, jobs, images, netboot, nodes, service, records, workbench,
bench, cli. Importing this package imports nothing else, so that `sb lsdef` starts fast.
"""

__version__ = "0.1.0"
