"""verify_image: read a version of the catalog whole, and say whether it is as it was published and who signed it."""

from __future__ import annotations

from sbkernel.errors import BuildError
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import ImageVersion, content_digest
from sbkernel.images.pack import verity
from sbkernel.site import Site


def verify_image(site: Site, version: ImageVersion) -> list[str]:
    """Return what was found to be good, a line each.

    Raises BuildError that names all that is not: a digest, a sum, a root hash or a signature that is wrong, or that is
    missing although the nodes of this version ask for it.
    """
    name = Reference(version.image, short(version.digest))
    wrong = [*_changed(version), *(f"{file}: its sum is another" for file in version.damaged())]
    if wrong:
        raise BuildError(f"{name} is damaged: {'; '.join(wrong)}", hint="packimage publishes it again once it is gone")
    good = [f"{name}: {len(version.data['files'])} files as published"]
    for root in version.roots:
        if root.verity:
            verity.check(version.dir / root.name, root.verity)
            good.append(f"{root.name}: root hash {root.verity}")
    return [*good, _age(site, version), _signature(site, version)]


def _changed(version: ImageVersion) -> list[str]:
    """Return what image.json says of itself that is not so."""
    same = content_digest(version.data) == version.digest == version.dir.name
    return [] if same else ["image.json: its digest is another"]


def _age(site: Site, version: ImageVersion) -> str:
    """Return when it was published, and whether the site has a newer one."""
    newest = max(Catalog(site).versions(version.image), key=lambda one: one.created, default=version)
    when = f"published {version.published}"
    if newest.created <= version.created:
        return when
    return f"{when}; {Reference(newest.image, short(newest.digest))} is newer: {newest.published}"


def _signature(site: Site, version: ImageVersion) -> str:
    if not version.key and not signatures.is_signed(version):
        return "not signed"
    return f"signed by {signatures.check(version, keys.known(site))}"
