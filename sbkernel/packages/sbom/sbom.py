"""Software bills of materials: CycloneDX 1.6 and SPDX 2.3 as JSON, the same bytes for the same manifest.

Their time is that of the image, their identity the digest of its manifest.
"""

from __future__ import annotations

from sbkernel.errors import DefinitionError
from sbkernel.packages.manifest import Manifest

CYCLONEDX, SPDX = "cyclonedx", "spdx"
FORMATS = (CYCLONEDX, SPDX)


def sbom(manifest: Manifest, form: str = CYCLONEDX) -> str:
    """Return the SBOM of a manifest as JSON text; `form` is cyclonedx or spdx. DefinitionError for another."""
    # Only the library that is used is imported: they take 0.3 and 0.5 s.
    if form == CYCLONEDX:
        from sbkernel.packages.sbom.cyclonedx import cyclonedx

        return cyclonedx(manifest)
    if form == SPDX:
        from sbkernel.packages.sbom.spdx import spdx

        return spdx(manifest)
    raise DefinitionError(f"no SBOM format {form!r}", hint=" or ".join(FORMATS))
