"""What lists mean to zypper, and what a tree of its distributions holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rpmbase import BASE, make_base, open_image
from rpms import make_repository, make_rpm

from sbkernel.errors import BuildError
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.rpm.records import row_of
from sbkernel.images.families.rpm.zypper import read
from sbkernel.images.tree.installed import of_tree
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

REPORT = NullReport()
SUSE = {"osvers": "sles15.6"}
PATTERN = """\
Provides: pattern() = small
Provides: pattern-category() = Base
Provides: pattern-visible()
Requires: tool
Recommends: weak
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repositories") / "Module Basesystem"
    place.mkdir()
    make_base(place)
    needs = f"Requires: {BASE}\n"
    make_rpm(place, "lib", "1:2.0-3")
    make_rpm(place, "tool", "1.0-1", more=f"{needs}Requires: lib\nRecommends: weak\n")
    make_rpm(place, "tool", "0.9-1", more=needs)
    make_rpm(place, "weak", arch="noarch")
    make_rpm(place, "rival", more="Conflicts: tool\n")
    make_rpm(place, "broken", more="Requires: nowhere\n")
    make_rpm(place, "patterns-base-small", arch="noarch", more=PATTERN)
    make_repository(place)
    return place


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        yield site


def reasons(site: Site, repository: Path, text: str) -> dict[str, str]:
    found = open_image(site, str(repository), text, **SUSE).resolve(REPORT).packages
    return {f"{one.name}={one.version}": row_of(one)["reason"] for one in found if one.name != BASE}


def test_names_versions_and_patterns(site: Site, repository: Path) -> None:
    assert reasons(site, repository, "tool\n") == {"tool=1.0-1": "user", "lib=1:2.0-3": "dependency"}
    for spelt in ("tool=0.9", "tool=0.9-1", "tool-0.9"):
        assert reasons(site, repository, f"{spelt}\n") == {"tool=0.9-1": "user"}
    assert reasons(site, repository, "@small\n") == {
        "patterns-base-small=1.0-1": "user", "tool=1.0-1": "dependency", "lib=1:2.0-3": "dependency",
    }  # fmt: skip
    assert reasons(site, repository, "to*\n") == {"tool=1.0-1": "user", "lib=1:2.0-3": "dependency"}


def test_unknown_names_and_patterns_are_told_at_once(site: Site, repository: Path) -> None:
    with pytest.raises(UnknownPackagesError) as caught:
        reasons(site, repository, "tol\ntool\n@none\nlib=7\n")
    assert list(caught.value.near) == ["tol", "@none", "lib=7"]
    assert caught.value.near["tol"] == ["tool"]


def test_what_excludes_each_other_or_is_left_out_is_said_in_zyppers_words(site: Site, repository: Path) -> None:
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*Problem: rival.* conflicts with tool"):
        reasons(site, repository, "tool\nrival\n")
    with pytest.raises(BuildError, match="nothing provides nowhere needed by broken"):
        reasons(site, repository, "broken\n")
    with pytest.raises(BuildError, match="lib"):
        reasons(site, repository, "tool\n-lib\n")
    assert reasons(site, repository, "tool=0.9\nrival\n-lib\n-rival\n") == {"tool=0.9-1": "user"}


def test_an_index_that_has_changed_is_read_anew(site: Site, tmp_path: Path) -> None:
    make_rpm(tmp_path, "tool")
    make_repository(tmp_path)
    assert reasons(site, tmp_path, "tool\n") == {"tool=1.0-1": "user"}
    make_rpm(tmp_path, "tool", "2.0-1")
    make_repository(tmp_path)
    assert reasons(site, tmp_path, "tool\n") == {"tool=2.0-1": "user"}


def test_a_tree_says_to_zypper_what_nobody_asked_for(site: Site, repository: Path, tmp_path: Path) -> None:
    manager = open_image(site, f"{repository},http://mirror.invalid/os gpgcheck=0", "tool\n", **SUSE)
    assert list(manager.laid()) == ["etc/zypp/repos.d/image.repo"]
    manager = open_image(site, str(repository), "tool\n", **SUSE)
    resolution = manager.resolve(REPORT)
    manager.fetch(resolution, REPORT)
    tree = tmp_path / "layer" / "tree"
    tree.parent.mkdir()
    try:
        manager.install(resolution, tree, REPORT)
        assert (tree / "usr/lib/sysimage/rpm/rpmdb.sqlite").is_file()
        assert {one.name: one.explicit for one in of_tree(tree).packages} == {BASE: False, "lib": False, "tool": True}
        assert not (tree / "var/lib/dnf").exists()
        assert not (tree / "etc/dnf").exists()
    finally:
        remove_tree(tree)


def test_only_what_is_to_be_installed_is_read() -> None:
    said = read(
        "<stream><install-summary><to-install><solvable type='package' name='a' edition='1-1' arch='noarch'/>"
        "<solvable type='pattern' name='p' edition='1-1' arch='noarch'/></to-install>"
        "<to-remove><solvable type='package' name='b' edition='1-1' arch='noarch'/></to-remove></install-summary>"
        "<message type='error'>No provider of 'x y' found.</message><message type='error'>Other.</message></stream>"
    )
    assert said == ([("a", "1-1", "noarch")], ["x y"], "Other.")
