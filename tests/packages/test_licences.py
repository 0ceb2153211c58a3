"""What Debian and rpm call licences, as SPDX has it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from sbkernel.packages.sbom.licences import REF, spdx

LICENSING = get_spdx_licensing()


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("", ""),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPLv2+ and MIT", "GPL-2.0-or-later AND MIT"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("LGPLv2+", "LGPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("AGPL-3+", "AGPL-3.0-or-later"),
        ("GFDL-1.3+", "GFDL-1.3-or-later"),
        ("GPL-2.0-or-later AND MIT", "GPL-2.0-or-later AND MIT"),
        ("Expat AND (GPL-2+ OR Artistic)", "MIT AND (GPL-2.0-or-later OR Artistic-1.0-Perl)"),
        ("BSD-3-clause and (zlib or ASL 2.0)", "BSD-3-Clause AND (Zlib OR Apache-2.0)"),
        ("GPL-2+ with Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("GPLv2+ with exceptions", "LicenseRef-GPLv2-or-later-with-exceptions"),
        ("public-domain", "LicenseRef-public-domain"),
        ("LicenseRef-Fedora-Public-Domain", "LicenseRef-Fedora-Public-Domain"),
        ("BSD and Public Domain", "LicenseRef-BSD AND LicenseRef-Public-Domain"),
        ("MIT and", "LicenseRef-MIT-and"),
        ("(MIT", "LicenseRef-MIT"),
        ("MIT (see file) GPL", "LicenseRef-MIT-see-file-GPL"),
        ("???", "LicenseRef-unnamed"),
    ],
)
def test_names_become_identifiers(text: str, expression: str) -> None:
    assert spdx(text).expression == expression


def test_what_was_found_stays_with_its_reference() -> None:
    assert spdx("MIT and Public  Domain").refs == (("LicenseRef-Public-Domain", "Public Domain"),)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["MIT", "GPL-2+", "and", "or", "(", ")", "with", "x y", "é", "Expat"])).map(" ".join)
    | st.text()
)
def test_any_text_becomes_a_valid_expression(text: str) -> None:
    found = spdx(text)
    if found.expression:
        parsed = LICENSING.parse(found.expression)
        assert all(name in LICENSING.known_symbols or name.startswith(REF) for name in map(str, parsed.objects))
    else:
        assert not text.split()
