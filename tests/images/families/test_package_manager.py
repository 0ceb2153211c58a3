"""The contract of package managers: what every family does, whatever its programs are called."""

import hashlib
import os
from pathlib import Path

import pytest
from repository import REPOSITORIES, DebianRepository, RpmRepository

from sbkernel.errors import BuildError
from sbkernel.images.families import EXAMPLES, families, family_of
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.plan import digest_of
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import inside, remove_tree
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

REPORT = NullReport()
Repository = DebianRepository | RpmRepository


@pytest.fixture
def repository(family: str, base: Path, tmp_path: Path) -> Repository:
    place = tmp_path / "repository"
    place.mkdir()
    made = REPOSITORIES[family](place, base)
    made.add("own-tool")
    made.add("own-later", needs="own-tool")
    return made


def exactly(resolution: Resolution) -> dict[str, str]:
    return {package.name: package.version for package in resolution.packages}


def test_resolved_are_exact_packages_with_dependencies_and_sums(site: Site, repository: Repository) -> None:
    manager = repository.open(site, "own-later\n")
    resolution = manager.resolve(REPORT)
    assert {"own-later", "own-tool"} <= exactly(resolution).keys()
    assert list(resolution.packages) == sorted(resolution.packages)
    assert all(len(package.sha256) == 64 and package.size > 0 for package in resolution.packages)
    assert all(package.uri and package.record for package in resolution.packages)
    assert manager.resolve(REPORT) == resolution
    assert list(manager.asked) == ["own-later"]
    assert manager.about


def test_unknown_names_come_with_names_like_them(site: Site, repository: Repository) -> None:
    manager = repository.open(site, f"own-later\n{repository.unknown}\n")
    with pytest.raises(UnknownPackagesError) as caught:
        manager.resolve(REPORT)
    assert repository.near in caught.value.near[repository.unknown]
    survey = manager.survey(REPORT)
    assert repository.near in survey.unknown[repository.unknown]
    later = next(one for one in survey.candidates if one.package.name == "own-later")
    assert "own-tool" in later.needs
    assert later.download_bytes > 0


def test_names_are_looked_up_in_what_was_read_before(site: Site, repository: Repository) -> None:
    text = f"own-later\n{repository.unknown}\n"
    assert repository.open(site, text).known_before(REPORT) is None
    repository.open(site, "own-later\n").resolve(REPORT)
    repository.add(repository.unknown)
    known = repository.open(site, text).known_before(REPORT)
    assert known is not None
    assert list(known.unknown) == [repository.unknown]
    assert repository.near in known.unknown[repository.unknown]
    assert known.files.get("own-later", ["/usr/share/own-later"]) == ["/usr/share/own-later"]


def test_inputs_change_with_the_packages_and_only_with_them(site: Site, repository: Repository) -> None:
    manager = repository.open(site, "own-tool\n")
    before = digest_of(manager.inputs(manager.resolve(REPORT)))
    assert digest_of(manager.inputs(manager.resolve(REPORT))) == before
    repository.add("own-tool", content="rebuilt with the same version")
    later(repository)
    after = manager.resolve(REPORT)
    assert digest_of(manager.inputs(after)) != before
    other = repository.open(site, "own-later\n")
    assert digest_of(other.inputs(other.resolve(REPORT))) not in {before, digest_of(manager.inputs(after))}


def later(repository: Repository) -> None:
    """Date the index later than any before: a file changed twice within one second is not modified to some clients."""
    for file in repository.place.rglob("*"):
        if file.is_file():
            os.utime(file, (file.stat().st_mtime + 2,) * 2)


def test_exactly_the_resolved_is_installed_though_the_mirror_moves_in_between(
    site: Site, repository: Repository, tmp_path: Path
) -> None:
    manager = repository.open(site, "own-later\n")
    resolution = manager.resolve(REPORT)
    manager.fetch(resolution, REPORT)
    repository.add("own-tool", "2.0", content="newer")
    repository.add("own-later", "2.0", needs="own-tool")
    later(repository)
    assert exactly(repository.open(site, "own-later\n").resolve(REPORT))["own-tool"].startswith("2.0")
    tree = tmp_path / "layer" / "tree"
    tree.parent.mkdir()
    try:
        facts = manager.install(resolution, tree, REPORT)
        assert facts["epoch"] >= 1_700_000_000
        installed = of_tree(tree)
        assert installed.family == family_of(repository.osvers).name
        assert {str(package) for package in installed.packages} == set(facts["packages"])
        assert {str(package) for package in resolution.packages} <= set(facts["packages"])
        assert (tree / "usr/share/own-tool").read_text() == "x"
        inside(tree, ["sh", "-ec", "test -s /etc/os-release || test -s /usr/lib/os-release"])
        assert [path.name for path in tree.parent.iterdir()] == ["tree"]
    finally:
        remove_tree(tree)


def test_a_package_that_is_not_what_was_resolved_is_refused(site: Site, repository: Repository) -> None:
    repository.add("own-fragile")
    manager = repository.open(site, "own-fragile\n")
    resolution = manager.resolve(REPORT)
    repository.add("own-fragile", content="other content, same version")
    with pytest.raises(BuildError, match=r"no longer has exactly the package that was resolved: own-fragile=1\.0") as c:
        manager.fetch(resolution, REPORT)
    assert "resolve anew" in str(c.value.hint)
    repository.remove("own-fragile")
    with pytest.raises(BuildError, match="no longer has exactly"):
        manager.fetch(resolution, REPORT)


def test_fetched_once_shared_by_all_and_fetched_again_when_damaged(site: Site, repository: Repository) -> None:
    repository.add("own-shared", content="y" * 1000)
    manager = repository.open(site, "own-shared\n")
    resolution = manager.resolve(REPORT)
    manager.fetch(resolution, REPORT)
    wanted = next(package for package in resolution.packages if package.name == "own-shared")

    def cached() -> list[Path]:
        files = [path for path in (site.cache / "packages").iterdir() if path.name.startswith("own-shared")]
        return [path for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == wanted.sha256]

    (file,) = cached()
    before = file.stat().st_ino
    manager.fetch(resolution, REPORT)
    assert [path.stat().st_ino for path in cached()] == [before]
    file.write_bytes(b"damaged")
    manager.fetch(resolution, REPORT)
    assert len(cached()) == 1
    assert not [path for path in (site.cache / "packages").iterdir() if path.name.startswith(".new-")]


def test_a_mirror_that_is_gone_is_said_and_the_last_lists_serve(site: Site, repository: Repository) -> None:
    manager = repository.open(site, "own-tool\n")
    before = manager.resolve(REPORT)
    hidden = repository.place.rename(repository.place.with_name("hidden"))
    after = manager.resolve(REPORT)
    assert after.offline
    assert after.packages == before.packages
    assert [package.uri for package in after.packages] == [package.uri for package in before.packages]
    hidden.rename(repository.place)
    assert not manager.resolve(REPORT).offline


def test_what_excludes_each_other_is_an_error_that_names_it(site: Site, repository: Repository) -> None:
    repository.add("own-broken", needs="own-nowhere")
    with pytest.raises(BuildError, match="own-broken"):
        repository.open(site, "own-broken\n").resolve(REPORT)


def test_every_distribution_is_among_the_examples_of_an_error() -> None:
    with pytest.raises(BuildError, match="not supported yet: slackware") as caught:
        family_of("slackware15")
    assert all(example in str(caught.value.hint) for example in EXAMPLES)
    assert {family_of(example).name for example in EXAMPLES} == {one.name for one in families()}
