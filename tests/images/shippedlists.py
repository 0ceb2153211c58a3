"""The lists that we ship, found as those of an osimage are."""

from sbkernel import resources
from sbkernel.definitions.listpaths import candidates, platform


def shipped(osvers: str, role: str, kind: str) -> str:
    """Return the list of a kind, pkglist or exlist, for a role of a release on x86_64."""
    folder = resources.templates() / "netboot" / platform(osvers)
    names = candidates(role, osvers, "x86_64", kind)
    return next(str(folder / name) for name in names if (folder / name).is_file())
