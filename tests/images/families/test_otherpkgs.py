"""The site's own packages, for every family: from which directory, in which pass, and what removals mean."""

from pathlib import Path

import pytest
from repository import ALONE, CONTAINERS, REPOSITORIES, DebianRepository, RpmRepository

from sbkernel.errors import BuildError, DefinitionError, ListFileError
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.plan import digest_of
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

REPORT = NullReport()
Repository = DebianRepository | RpmRepository


@pytest.fixture
def repository(family: str, base: Path, tmp_path: Path) -> Repository:
    place = tmp_path / "repository"
    place.mkdir()
    made = REPOSITORIES[family](place, base)
    made.add("own-tool", "1.0", content="the distribution's")
    made.add("own-later", needs="own-tool")
    return made


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Where the site's own packages are: nobody has made an index."""
    place = tmp_path / "other packages"
    place.mkdir()
    return place


def versions(resolution: Resolution) -> dict[str, str]:
    return {one.name: one.version.partition("-")[0] for one in resolution.packages}


def files(place: Path) -> set[Path]:
    return set(place.rglob("*"))


def test_a_package_comes_from_the_directory_before_its_name(site: Site, repository: Repository, others: Path) -> None:
    repository.make(others / "site/tools", "own-tool", "0.5", content="ours")
    repository.make(others, "own-bare")
    there = files(others)
    manager = repository.open(site, "", "site/tools/own-tool\nown-bare\n", str(others))
    resolution = manager.resolve(REPORT)
    assert versions(resolution)["own-tool"] == "0.5"
    tool = next(one for one in resolution.packages if one.name == "own-tool")
    assert "/site/tools/" in tool.uri.replace("%20", " ")
    assert len(tool.sha256) == 64
    assert list(manager.asked) == ["own-tool", "own-bare"]
    manager.fetch(resolution, REPORT)
    assert files(others) == there, "a directory of the site stays as it is"
    repository.make(others / "site/tools", "own-tool", "1.0", content="ours, and as new as the distribution's")
    tool = next(one for one in manager.resolve(REPORT).packages if one.name == "own-tool")
    assert "/site/tools/" in tool.uri
    with pytest.raises(UnknownPackagesError):
        repository.open(site, "", "site/tools/own-later\n", str(others)).resolve(REPORT)


def test_an_index_is_made_anew_only_when_files_have_changed(site: Site, repository: Repository, others: Path) -> None:
    known = set(site.cache.glob("indexes/*/listing"))
    repository.make(others / "site", "own-fresh")
    manager = repository.open(site, "", "site/own-fresh\n", str(others))
    before = manager.resolve(REPORT)
    (listing,) = (file for file in site.cache.glob("indexes/*/listing") if file not in known)
    stamp = listing.stat().st_mtime_ns
    assert manager.resolve(REPORT) == before
    assert listing.stat().st_mtime_ns == stamp
    repository.make(others / "site", "own-fresh", "2.0")
    assert versions(manager.resolve(REPORT))["own-fresh"] == "2.0"
    hidden = others.rename(others.with_name("hidden"))
    gone = manager.resolve(REPORT)
    assert gone.offline and versions(gone)["own-fresh"] == "2.0"
    with pytest.raises(BuildError, match="no longer has exactly"):
        manager.fetch(gone, REPORT)
    hidden.rename(others)


def test_an_index_is_made_after_one_was_killed_and_odd_files_are_named(
    site: Site, repository: Repository, others: Path
) -> None:
    """createrepo_c refuses to begin where it was killed before, by what it had left."""
    known = set(site.cache.glob("indexes/*"))
    repository.make(others / "site", "own-fresh")
    manager = repository.open(site, "", "site/own-fresh\n", str(others))
    manager.resolve(REPORT)
    (place,) = set(site.cache.glob("indexes/*")) - known
    (place / "listing").unlink()
    (place / ".repodata").mkdir()
    (place / ".repodata" / "primary.xml.gz").write_text("half")
    assert versions(manager.resolve(REPORT))["own-fresh"] == "1.0"
    file = next(path for path in (others / "site").rglob("own-fresh*") if path.suffix in (".deb", ".rpm"))
    link, lines = file.with_name(f"link{file.suffix}"), file.with_name(f"two\nFilename: x{file.suffix}")
    link.symlink_to("nowhere")
    with pytest.raises(BuildError, match=rf"cannot be indexed:\n.*/link\{file.suffix}: No such file"):
        manager.resolve(REPORT)
    link.unlink()
    lines.hardlink_to(file)
    with pytest.raises(BuildError, match=r"two\\nFilename: x.* is no name of a package"):
        manager.resolve(REPORT)
    lines.unlink()
    assert versions(manager.resolve(REPORT))["own-fresh"] == "1.0"


@pytest.mark.parametrize("family", ALONE, indirect=True, scope="module")
def test_passes_in_order_and_removals_before_and_after(
    site: Site, repository: Repository, others: Path, tmp_path: Path
) -> None:
    seen = "ls /usr/share > /var/seen-%s; echo WHICH=$WHICH >> /var/seen-%s"
    repository.make(others / "site", "own-helper", content="helps")
    repository.make(others / "site", "own-tool", "0.5", content="ours")
    repository.make(others / "site", "own-z", script=seen % ("z", "z"))
    repository.make(others / "site", "own-a", script=seen % ("a", "a"))
    other = (
        "-own-tool\n#ENV:WHICH=first#\nsite/own-tool\nsite/own-helper\nsite/own-z\n--own-helper\n"
        "#NEW_INSTALL_LIST#\n#ENV:WHICH=second#\nsite/own-a\n"
    )
    manager = repository.open(site, "own-tool\nown-later\n", other, str(others))
    assert [list(one.packages) for one in manager.passes] == [
        ["own-later"], ["own-tool", "own-helper", "own-z"], ["own-a"],
    ]  # fmt: skip
    resolution = manager.resolve(REPORT)
    assert [one.name for one in resolution.removed] == ["own-helper"]
    assert "own-helper" not in {one.name for one in resolution.kept}
    assert "own-helper" not in {one.package.name for one in manager.survey(REPORT).candidates}
    manager.fetch(resolution, REPORT)
    tree = tmp_path / "layer" / "tree"
    tree.parent.mkdir()
    try:
        manager.install(resolution, tree, REPORT)
        assert {str(one) for one in of_tree(tree).packages} == {str(one) for one in resolution.kept}
        assert (tree / "usr/share/own-tool").read_text() == "ours"
        assert not (tree / "usr/share/own-helper").exists()
        first, second = ((tree / f"var/seen-{name}").read_text().splitlines() for name in "za")
        assert "own-a" not in first and first[-1] == "WHICH=first"
        assert "own-z" in second and "own-helper" in {*first, *second} and second[-1] == "WHICH=second"
    finally:
        remove_tree(tree)
    without = repository.open(site, "own-later\n", other.replace("--own-helper\n", ""), str(others))
    again = without.resolve(REPORT)
    assert again.packages == resolution.packages
    assert digest_of(without.inputs(again)) != digest_of(manager.inputs(resolution))


@pytest.mark.parametrize("family", ALONE, indirect=True, scope="module")
def test_what_stays_out_and_what_cannot_go(site: Site, repository: Repository, others: Path) -> None:
    repository.make(others / "site", "own-user", needs="own-tool")
    repository.add("own-other")

    def resolved(text: str, other: str) -> Resolution:
        return repository.open(site, text, other, str(others)).resolve(REPORT)

    assert "own-tool" not in versions(resolved("own-tool\nown-other\n", "-own-tool\n-own-nowhere\n"))
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*own-tool"):
        resolved("own-later\n", "-own-tool\n")
    with pytest.raises(BuildError, match="to remove own-tool would remove own-user that the lists ask for"):
        resolved("", "site/own-user\n--own-tool\n")
    both = resolved("", "site/own-user\n--own-tool\n--own-user\n")
    assert [one.name for one in both.removed] == ["own-tool", "own-user"]
    again = resolved("", "site/own-user\n--own-user\n#NEW_INSTALL_LIST#\nsite/own-user\n")
    assert again.removed == ()
    in_pkglist = versions(resolved("own-tool\nown-other\n-own-t*\n", ""))
    assert ("own-tool" in in_pkglist) == isinstance(repository, DebianRepository), "apt's family does as xCAT does"


@pytest.mark.parametrize("family", CONTAINERS, indirect=True, scope="module")
def test_nothing_is_removed_at_the_end_over_a_container(site: Site, repository: Repository, others: Path) -> None:
    with pytest.raises(BuildError, match="own-tool cannot be removed at the end") as caught:
        repository.open(site, "own-later\n", "--own-tool\n", str(others))
    assert "postinstall" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("nowhere/own-tool", r":2: no directory nowhere in .*other packages"),
        ("../repository/own-tool", r":2: '../repository' is no directory below otherpkgdir"),
        ("/etc/own-tool", r":2: '/etc' is no directory below otherpkgdir"),
    ],
)
def test_a_directory_is_one_below_otherpkgdir(
    site: Site, repository: Repository, others: Path, entry: str, said: str
) -> None:
    with pytest.raises(ListFileError, match=said):
        repository.open(site, "own-tool\n", f"# ours\n{entry}\n", str(others))


def test_otherpkgdir_has_directories_and_addresses(site: Site, repository: Repository) -> None:
    with pytest.raises(DefinitionError, match="otherpkgdir: 'others' is neither a directory nor an address"):
        repository.open(site, "own-tool\n", "own-bare\n", "others")


def test_without_otherpkgdir_it_is_xcats(site: Site, repository: Repository) -> None:
    own = site.installdir / "post/otherpkgs" / repository.osvers / repository.osarch
    repository.make(own / "site", "own-default")
    assert "own-default" in versions(repository.open(site, "", "site/own-default\n").resolve(REPORT))


def test_a_damaged_package_is_named_and_nothing_is_left_of_the_index(
    site: Site, repository: Repository, others: Path
) -> None:
    repository.make(others / "site", "own-whole")
    (whole,) = (path for path in (others / "site").rglob("own-whole*") if path.is_file())
    damaged = whole.with_name(whole.name.replace("whole", "damaged"))
    damaged.write_bytes(whole.read_bytes()[:100])
    manager = repository.open(site, "", "site/own-whole\n", str(others))
    for _ in range(2):
        with pytest.raises(BuildError, match=rf"(?s)the packages in .*/site cannot be indexed:.*{damaged.name}"):
            manager.resolve(REPORT)
    damaged.unlink()
    assert "own-whole" in versions(manager.resolve(REPORT))
