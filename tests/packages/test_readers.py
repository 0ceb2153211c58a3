"""What every reader of a package format promises, whichever it is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.packages.package import Package
from sbkernel.packages.readers import EVERYWHERE, FAMILIES, PROGRAMS, READERS, reader_of
from sbkernel.packages.readers.reader import Reader
from sbkernel.packages.versions import compare, sort_key

each = pytest.mark.parametrize("reader", READERS, ids=FAMILIES)
VERSIONS = st.from_regex(r"([0-9]:)?[0-9][0-9a-z.+~]{0,5}(-[0-9a-z.+~]{1,4})?", fullmatch=True)


@each
def test_it_is_found_by_its_family(reader: Reader) -> None:
    assert reader_of(reader.family) is reader
    assert len(set(FAMILIES)) == len(set(PROGRAMS)) == len(EVERYWHERE) == len(READERS)


@each
def test_nothing_is_read_where_nothing_is(reader: Reader, tmp_path: Path) -> None:
    assert reader.database(tmp_path) is None
    assert reader.of_node({"os-release": "ID=x", "end": ""}) is None


@each
def test_nodes_are_asked_all_its_queries(reader: Reader) -> None:
    script = (resources.templates() / "image" / "installed.sh").read_text()
    assert reader.queries
    assert all(f'"${name}"' in script for name in reader.queries)


@each
@given(versions=st.lists(VERSIONS, min_size=3, max_size=3))
def test_versions_have_one_order(reader: Reader, versions: list[str]) -> None:
    a, b, c = sorted(versions, key=sort_key(reader.family))
    assert compare(reader.family, a, b) <= 0 >= compare(reader.family, b, c)
    assert compare(reader.family, a, c) <= 0 <= compare(reader.family, c, a)


@each
def test_a_package_url_says_the_whole_version(reader: Reader) -> None:
    version, qualifiers = reader.url_parts(Package("a", "2:1.0-1", "x", reader.family))
    assert {version, *filter(None, qualifiers.values())} in ({"2:1.0-1"}, {"1.0-1", "2"})
    assert reader.url_parts(Package("a", "1.0-1", "x", reader.family))[0] == "1.0-1"


@each
def test_a_package_url_names_a_source_that_is_another(reader: Reader) -> None:
    def upstream(**source: str) -> str:
        return reader.url_parts(Package("a", "2:1.0-1", "x", reader.family, **source))[1]["upstream"]  # type: ignore[arg-type]

    assert upstream() == ""
    assert "b" in upstream(source="b", source_version="9-1") and "9-1" in upstream(source="b", source_version="9-1")
