"""Package sources: both formats are read, what fits a release is kept, what is written is read back the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError, ListFileError
from sbkernel.images.families.debian import sources as apt_sources
from sbkernel.images.families.debian.sources import AptSource

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789.-", min_size=1, max_size=12)
SOURCES = st.builds(
    AptSource,
    uri=WORD.map(lambda host: f"http://{host}/debian"),
    suite=WORD,
    components=st.lists(WORD, max_size=3).map(tuple),
    options=st.dictionaries(
        st.sampled_from(["Signed-By", "Architectures", "Trusted"]), st.lists(WORD, min_size=1).map("\n".join)
    ).map(lambda options: tuple(options.items())),
)


@given(st.lists(SOURCES, max_size=5))
def test_what_is_written_is_read_back(sources: list[AptSource]) -> None:
    assert apt_sources.parse(apt_sources.render(sources), "x.sources") == sources


@given(st.text())
def test_any_text_is_read_or_refused_by_line(text: str) -> None:
    for name in ("x.list", "x.sources"):
        try:
            apt_sources.parse(text, name)
        except ListFileError as error:
            assert error.message.startswith(f"{name}:{error.line}: ")


def test_one_line_format() -> None:
    text = (
        "# comment\n\n"
        "deb [arch=amd64,arm64 signed-by=/k.gpg] http://m/debian bookworm main contrib # rest\n"
        "deb-src http://m/debian bookworm main\n"
        "deb cdrom:[x] bookworm main\n"
        "deb http://m/flat ./\n"
    )
    options = (("Architectures", "amd64 arm64"), ("Signed-By", "/k.gpg"))
    assert apt_sources.parse(text, "sources.list") == [
        AptSource("http://m/debian", "bookworm", ("main", "contrib"), options),
        AptSource("http://m/flat", "./"),
    ]


def test_deb822_gives_one_source_for_each_uri_and_suite() -> None:
    text = (
        "# comment\nTypes: deb deb-src\nURIs: http://a http://b\nSuites: bookworm bookworm-updates\n"
        "# within\nComponents: main\nSigned-By:\n -----BEGIN\n .\n key\n\n"
        "Types: deb\nEnabled: no\nURIs: http://c\nSuites: bookworm\n"
    )
    found = apt_sources.parse(text, "debian.sources")
    assert [(source.uri, source.suite) for source in found] == [
        (uri, suite) for uri in ("http://a", "http://b") for suite in ("bookworm", "bookworm-updates")
    ]
    assert found[0].option("Signed-By") == "\n-----BEGIN\n.\nkey"
    assert apt_sources.parse(apt_sources.render(found), "x.sources") == found


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("a.list", "\ndeb http://m\n", "a.list:2: "),
        ("a.sources", "Types: deb\nURIs: http://m\n", "a.sources:1: source without Suites"),
        ("a.sources", "\nnonsense\n", "a.sources:2: "),
    ],
)
def test_errors_name_file_and_line(name: str, text: str, where: str) -> None:
    with pytest.raises(ListFileError, match=where):
        apt_sources.parse(text, name)


@pytest.mark.parametrize(
    ("suite", "fits"),
    [
        ("bookworm", True), ("bookworm-security", True), ("bookworm/updates", True), ("trixie", False),
        ("bookworms", False), ("./", False),
    ],
)  # fmt: skip
def test_suites_of_a_release(suite: str, fits: bool) -> None:
    assert apt_sources.fits(AptSource("http://m", suite), "bookworm", "amd64") is fits
    assert not apt_sources.fits(AptSource("http://m", suite, (), (("Architectures", "arm64"),)), "bookworm", "amd64")


def test_a_host_without_fitting_sources_is_told_what_to_set() -> None:
    with pytest.raises(DefinitionError, match="no apt source of this host is for trixie") as caught:
        apt_sources.for_release([AptSource("http://m", "bookworm", ("main",))], "trixie", "amd64")
    assert "pkgdir" in str(caught.value.hint)


def test_pkgdir(tmp_path: Path) -> None:
    signed = tmp_path / "signed"
    signed.mkdir()
    (signed / "InRelease").touch()
    text = f"http://m/debian bookworm main contrib, [trusted=yes] http://m bookworm-x main,{tmp_path},{signed}"
    assert apt_sources.from_pkgdir(text) == (
        AptSource("http://m/debian", "bookworm", ("main", "contrib")),
        AptSource("http://m", "bookworm-x", ("main",), (("Trusted", "yes"),)),
        AptSource(f"copy:{tmp_path}", "./", (), (("Trusted", "yes"),)),
        AptSource(f"copy:{signed}", "./"),
    )
    with pytest.raises(DefinitionError, match="neither a directory nor"):
        apt_sources.from_pkgdir("bookworm")


def test_nodes_get_no_directories_of_the_build_host() -> None:
    by_copy = apt_sources.by_copy(AptSource("file:/srv/debs", "./"))
    assert by_copy == AptSource("copy:/srv/debs", "./")
    assert not apt_sources.reachable_by_nodes(by_copy)
    assert apt_sources.reachable_by_nodes(AptSource("http://m", "bookworm"))
