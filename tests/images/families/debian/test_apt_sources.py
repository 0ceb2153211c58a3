"""Package sources: both formats are read, what fits a release is kept, what is written is read back the same."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError, DefinitionError, ListFileError
from sbkernel.images.families.debian import sources as apt_sources
from sbkernel.images.families.debian.chosen import Sources, chosen
from sbkernel.images.families.debian.family import with_kernel
from sbkernel.images.families.debian.releases import release_of
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.package_manager import PackagePass, Request
from sbkernel.lists import pkglist
from sbkernel.site import Site

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


def sources_of(pkgdir: str, tmp_path: Path, osvers: str = "debian12", **more: str) -> Sources:
    with Site.open(tmp_path / "site") as site:
        for key, value in more.items():
            site.set("site", "clustersite", **{key: value})
        attributes = {"osvers": osvers, "osarch": "x86_64", "pkgdir": pkgdir}
        return chosen(site, Request(attributes, pkglist.parse("")), release_of(osvers, "x86_64"))


def test_pkgdir(tmp_path: Path) -> None:
    signed, indexed, plain, key = (tmp_path / name for name in ("signed", "it has blanks", "plain", "key.asc"))
    for directory in (signed, indexed, plain):
        directory.mkdir()
    for file in (signed / "InRelease", signed / "Packages", indexed / "Packages", key):
        file.touch()
    entries = (
        "http://m/debian bookworm main contrib", "[trusted=yes] http://m bookworm-x main", "http://m", f"{indexed}",
        f"{signed}", f"{signed} gpgcheck=0", f"http://m bookworm main gpgkey={key}", f"{indexed} gpgkey={key}",
        "http://m bookworm gpgcheck=0", "http://m ./", f"{plain}",
    )  # fmt: skip
    found = sources_of(",".join(entries), tmp_path)
    trusted, by_key = (("Trusted", "yes"),), (("Signed-By", str(key)),)
    copied = f"copy:{tmp_path}/it%20has%20blanks"
    assert found.all == (
        AptSource("http://m/debian", "bookworm", ("main", "contrib")),
        AptSource("http://m", "bookworm-x", ("main",), trusted),
        AptSource("http://m", "bookworm", ("main",)),
        AptSource(copied, "./", (), trusted),
        AptSource(f"copy:{signed}", "./"),
        AptSource(f"copy:{signed}", "./", (), trusted),
        AptSource("http://m", "bookworm", ("main",), by_key),
        AptSource(copied, "./", (), by_key),
        AptSource("http://m", "bookworm", ("main",), trusted),
        AptSource("http://m", "./"),
        AptSource(f"copy:{found.indexes[0].place}", "./", (), trusted),
    )
    assert [one.directory for one in found.indexes] == [plain]
    assert list(plain.iterdir()) == []


def test_a_key_for_a_directory_without_an_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.asc").touch()
    for option in (f"gpgkey={tmp_path}/key.asc", "gpgcheck=1"):
        with pytest.raises(DefinitionError, match="has no index that a key could have signed"):
            sources_of(f"{tmp_path} {option}", tmp_path)
    assert len(sources_of(f"{tmp_path} gpgcheck=0", tmp_path).indexes) == 1


def test_a_mirror_in_a_directory_is_one_of_its_suite(tmp_path: Path) -> None:
    for component in ("main", "universe", "source-only"):
        kind = "source" if component == "source-only" else "binary-amd64"
        (tmp_path / "medium/dists/noble" / component / kind).mkdir(parents=True)
    found = sources_of(f"{tmp_path}/medium", tmp_path, "ubuntu24.04.3")
    assert found.all == (AptSource(f"copy:{tmp_path}/medium", "noble", ("main", "universe"), (("Trusted", "yes"),)),)
    (tmp_path / "bad/dists/bookworm/main/binary-arm64").mkdir(parents=True)
    with pytest.raises(DefinitionError, match="has no packages for amd64"):
        sources_of(f"{tmp_path}/bad", tmp_path)


def test_ubuntu_has_two_components_and_the_mirror_of_the_site(tmp_path: Path) -> None:
    both = ("main", "universe")
    assert sources_of("http://m noble", tmp_path, "ubuntu24.04").all == (AptSource("http://m", "noble", both),)
    found = sources_of("", tmp_path, "ubuntu24.04", ubuntu_apt_mirror="http://m/ubuntu")
    assert [(one.suite, one.components) for one in found.all] == [
        (suite, both) for suite in ("noble", "noble-updates", "noble-security")
    ]


@pytest.mark.parametrize(
    ("pkgdir", "said"),
    [
        ("bookworm", "neither a directory nor"),
        ("cdrom:[x]/ bookworm main", "neither a directory nor"),
        ("http://m bookworm main gpgcheck=2", "gpgcheck=2 is neither 0 nor 1"),
        ("http://m bookworm main gpgkey=/nonexistent.asc", "gpgkey=/nonexistent.asc is no file of this host"),
        ("http://m bookworm main gpgkey=/etc/passwd", "apt tells keys by their names"),
    ],
)
def test_a_wrong_entry_of_pkgdir_says_what_is_wrong(pkgdir: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=re.escape(said)):
        sources_of(pkgdir, tmp_path)


@pytest.mark.parametrize(
    ("osvers", "codename"),
    [
        ("debian11", "bullseye"), ("debian12", "bookworm"), ("debian12.5", "bookworm"), ("debian13", "trixie"),
        ("ubuntu20.04", "focal"), ("ubuntu22.04.5", "jammy"), ("ubuntu24.04.1", "noble"), ("ubuntu24.04", "noble"),
    ],
)  # fmt: skip
def test_releases_by_the_names_that_osvers_has(osvers: str, codename: str) -> None:
    found = release_of(osvers, "x86_64")
    assert (found.codename, found.architecture) == (codename, "amd64")


@pytest.mark.parametrize(
    "osvers", ["", "debian", "debian10", "ubuntu24", "ubuntu24.10", "ubuntu", "debian12-x", "mint21"]
)
def test_other_releases_are_refused(osvers: str) -> None:
    with pytest.raises(BuildError, match="not supported yet"):
        release_of(osvers, "x86_64")


def test_the_kernel_of_ubuntu_with_a_fixed_version_brings_its_further_modules() -> None:
    listed = PackagePass(("bash", "linux-image-generic", "linux-headers-generic"))
    assert with_kernel(listed, "6.8.0-31-generic", "ubuntu").packages == (
        "bash", "linux-image-6.8.0-31-generic", "linux-modules-extra-6.8.0-31-generic", "linux-firmware",
        "linux-headers-6.8.0-31-generic",
    )  # fmt: skip
    listed = PackagePass(("linux-image-virtual",))
    assert with_kernel(listed, "6.8.0-31-generic", "ubuntu").packages == ("linux-image-6.8.0-31-generic",)


def test_nodes_get_no_directories_of_the_build_host() -> None:
    by_copy = apt_sources.by_copy(AptSource("file:/srv/debs", "./"))
    assert by_copy == AptSource("copy:/srv/debs", "./")
    assert not apt_sources.reachable_by_nodes(by_copy)
    assert apt_sources.reachable_by_nodes(AptSource("http://m", "bookworm"))
