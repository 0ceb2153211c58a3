"""What lists mean to dnf: groups, patterns, versions, modules, what is left out, and indexes that cannot be used."""

import gzip
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rpmbase import BASE, comps, make_base, modules, open_image
from rpms import make_repository, make_rpm
from serving import serving

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.package_manager import UnknownPackagesError
from sbkernel.images.families.resolved import Resolution
from sbkernel.images.families.rpm.manager import RpmManager
from sbkernel.images.families.rpm.records import Row, row_of
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site

REPORT = NullReport()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A medium with two repositories: BaseOS with a group and a module, and one whose name has a blank."""
    top = tmp_path_factory.mktemp("medium")
    first, second = top / "BaseOS", top / "App Stream" / "x86_64" / "os"
    for place in (first, second):
        place.mkdir(parents=True)
    make_base(first)
    needs = f"Requires: {BASE}\n"
    make_rpm(first, "tool", "1.0-1", more=f"{needs}Recommends: weak\nRequires: lib-api >= 2\n")
    make_rpm(first, "tool", "1:0.9-2", more=needs)
    make_rpm(first, "lib", "2.0-1", more="Provides: lib-api = 2\n")
    make_rpm(first, "weak")
    make_rpm(first, "firmware-a", arch="noarch")
    make_rpm(first, "firmware-b", arch="noarch")
    make_rpm(second, "app", "9-1", more=f"{needs}ModularityLabel: app:9:1:1\n")
    make_rpm(second, "app", "8-1", more=f"{needs}ModularityLabel: app:8:1:1\n")
    make_repository(first, "--groupfile", comps(first, "core", ["tool", "firmware-a", "firmware-b"]))
    make_repository(second)
    modules(second, "app", {"8": "app-0:8-1.x86_64", "9": "app-0:9-1.x86_64"}, default="9")
    return top


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        yield site


def resolved(manager: RpmManager) -> Resolution:
    return manager.resolve(REPORT)


def names(site: Site, pkgdir: object, text: str, **more: str) -> dict[str, str]:
    found = resolved(open_image(site, str(pkgdir), text, **more)).packages
    return {one.name: one.version for one in found if one.name != BASE}


def row(site: Site, pkgdir: object, text: str, name: str) -> Row:
    (found,) = [one for one in resolved(open_image(site, str(pkgdir), text)).packages if one.name == name]
    return row_of(found)


def test_the_newest_epoch_counts_and_a_version_can_be_named(site: Site, repository: Path) -> None:
    assert names(site, repository, "tool\n") == {"tool": "1:0.9-2"}
    for spelt in ("tool=1.0", "tool=1.0-1", "tool-1.0", "tool-1.0-1", "tool-1.0-1.x86_64"):
        assert names(site, repository, f"{spelt}\n") == {"tool": "1.0-1", "lib": "2.0-1"}
    assert names(site, repository, "tool=1:0.9\n") == {"tool": "1:0.9-2"}
    with pytest.raises(UnknownPackagesError) as caught:
        names(site, repository, "tool=7.0\n")
    assert list(caught.value.near) == ["tool=7.0"]


def test_groups_patterns_and_files_are_known(site: Site, repository: Path) -> None:
    for group in ("@core", "@Group core", "@core-environment", "@^core-environment"):
        assert set(names(site, repository, f"{group}\n")) == {"tool", "firmware-a", "firmware-b"}
    assert set(names(site, repository, "firm*\n")) == {"firmware-a", "firmware-b"}
    assert set(names(site, repository, "/opt/lib-2.0-1/file\n")) == {"lib"}
    (found,) = [
        row_of(one) for one in resolved(open_image(site, str(repository), "@core\n")).packages if one.name == "tool"
    ]
    assert found["reason"] == "group"


def test_what_a_list_takes_away_is_left_out_even_of_a_group(site: Site, repository: Path) -> None:
    assert set(names(site, repository, "@core\n-firmware-a\n")) == {"tool", "firmware-b"}
    assert set(names(site, repository, "@core\n--firmware*\n")) == {"tool"}
    assert set(names(site, repository, "tool\nlib\n-lib\n")) == {"tool"}
    with pytest.raises(BuildError, match=r"(?s)cannot be installed together.*lib"):
        names(site, repository, "tool=1.0\n-lib\n")


def test_weak_dependencies_stay_out_in_the_build_and_in_the_survey(site: Site, repository: Path) -> None:
    manager = open_image(site, str(repository), "tool=1.0\n")
    built = {one.name for one in resolved(manager).packages}
    assert built == {BASE, "tool", "lib"}
    assert {one.package.name for one in manager.survey(REPORT).candidates} == built


def test_streams_of_modules(site: Site, repository: Path) -> None:
    assert names(site, repository, "app\n") == {"app": "9-1"}
    assert names(site, repository, "@app:8\napp\n") == {"app": "8-1"}
    (app,) = [
        row_of(one) for one in resolved(open_image(site, str(repository), "@app:8\n")).packages if one.name == "app"
    ]
    assert app["module"] == ["app", "8"]


def test_the_kernel_gets_the_version_that_is_fixed(site: Site, tmp_path: Path) -> None:
    for version in ("5.14.0-1", "5.14.0-2"):
        make_rpm(tmp_path, "kernel", version)
    make_repository(tmp_path)
    assert names(site, tmp_path, "kernel\n") == {"kernel": "5.14.0-2"}
    assert names(site, tmp_path, "kernel\n", kernelver="5.14.0-1.x86_64") == {"kernel": "5.14.0-1"}


def test_nothing_asked_for_is_said(site: Site, repository: Path) -> None:
    with pytest.raises(BuildError, match="the lists ask for no package"):
        names(site, repository, "# nothing\n")


def test_a_mirror_by_http_is_refused_without_a_key_and_asked_when_it_is_trusted_blindly(
    site: Site, repository: Path
) -> None:
    with serving(repository) as port:
        url = f"http://127.0.0.1:{port}/BaseOS"
        with pytest.raises(BuildError, match=f"no key says whose packages these are: {url}") as caught:
            names(site, url, "tool\n")
        assert "gpgkey=" in str(caught.value.hint)
        manager = open_image(site, f"{url} gpgcheck=0,{repository}/App Stream", "tool\napp\n")
        resolution = resolved(manager)
        assert {one.repository for one in resolution.packages} == {"BaseOS", "App-Stream"}
        manager.fetch(resolution, REPORT)
        assert all(manager.downloads.path(one).is_file() for one in resolution.packages)
        laid = manager.laid()["etc/yum.repos.d/image.repo"].decode()
        assert f"[BaseOS]\nname=BaseOS\nbaseurl={url}\nenabled=1\ngpgcheck=0\n" in laid
        assert str(repository) not in laid


def test_passwords_of_mirrors_are_not_shown_and_not_laid(site: Site, repository: Path) -> None:
    manager = open_image(site, "http://me:secret@127.0.0.1:9/os gpgcheck=0", "tool\n")
    with pytest.raises(BuildError, match="cannot be reached") as caught:
        resolved(manager)
    assert "secret" not in str(caught.value)
    assert b"secret" not in b"".join(manager.laid().values())
    with pytest.raises(BuildError, match="no key says") as caught:
        resolved(open_image(site, "http://me:secret@127.0.0.1:9/os", "tool\n"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("damage", ["repomd", "primary"])
def test_a_damaged_index_is_refused_also_when_there_is_an_older_one(site: Site, tmp_path: Path, damage: str) -> None:
    make_rpm(tmp_path, "tool")
    make_repository(tmp_path)
    manager = open_image(site, str(tmp_path), "tool\n")
    resolved(manager)
    (primary,) = (tmp_path / "repodata").glob("*primary.xml.gz")
    index = tmp_path / "repodata/repomd.xml"
    if damage == "primary":
        primary.write_bytes(gzip.compress(b"<metadata/>"))
        index.write_text(index.read_text() + "\n")
    else:
        index.write_text(index.read_text()[:200])
    with pytest.raises(BuildError, match="cannot be trusted") as caught:
        resolved(manager)
    assert str(tmp_path) in caught.value.message


def test_an_index_with_weak_sums_is_refused_by_name(site: Site, tmp_path: Path) -> None:
    make_rpm(tmp_path, "tool")
    make_repository(tmp_path, "--checksum", "sha1")
    with pytest.raises(BuildError, match=r"has no sum of tool that can be relied on") as caught:
        names(site, tmp_path, "tool\n")
    assert "createrepo_c" in str(caught.value.hint)


def test_an_index_with_longer_sums_serves_as_well(site: Site, tmp_path: Path) -> None:
    package = make_rpm(tmp_path, "tool")
    make_repository(tmp_path, "--checksum", "sha512")
    manager = open_image(site, str(tmp_path), "tool\n")
    resolution = resolved(manager)
    manager.fetch(resolution, REPORT)
    (tool,) = resolution.packages
    assert tool.sha256 == hashlib.sha512(package.read_bytes()).hexdigest()
    assert manager.downloads.path(tool).read_bytes() == package.read_bytes()
    manager.downloads.path(tool).unlink()
    package.write_bytes(package.read_bytes() + b"x")
    with pytest.raises(BuildError, match="no longer has exactly"):
        manager.fetch(resolution, REPORT)


@pytest.mark.parametrize(
    ("pkgdir", "message"),
    [
        ("/nonexistent", "no repository among pkgdir"),
        ("gopher://x/y", "is no address of a repository"),
        ("http://x/y z", "is no address of a repository"),
        ("http://x/y gpgkey=/nonexistent", "gpgkey=/nonexistent is no file of this host"),
        ("http://x/y gpgcheck=2", "gpgcheck=2 is neither 0 nor 1"),
        ("http://x/y gpgcheck=1", "gpgcheck=1 without a key"),
    ],
)
def test_a_wrong_pkgdir_is_refused(site: Site, pkgdir: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        open_image(site, pkgdir, "tool\n")


@pytest.mark.parametrize(
    ("osvers", "osarch", "message"),
    [
        ("rhels7.9", "x86_64", "not supported: rhels7.9"),
        ("rocky9.4", "sparc", "not supported yet: sparc"),
        ("rocky", "x86_64", "'rocky' has no version"),
    ],
)
def test_a_release_that_cannot_be_built_is_refused(site: Site, osvers: str, osarch: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        open_image(site, "/srv", "tool\n", osvers=osvers, osarch=osarch)


def test_the_hosts_way_to_mirrors_is_taken(site: Site, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not there is an error for http and none for files."""
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:9")
    assert names(site, repository, "lib\n") == {"lib": "2.0-1"}
    with pytest.raises(BuildError, match="cannot be reached"):
        names(site, "http://mirror.invalid/os gpgcheck=0", "lib\n")
    shutil.rmtree(site.cache / "dnf")
