"""Locked builds, for every family: the packages that were locked, from a cache or a mirror, without their sources."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from debs import index, make_kernel
from repository import ALONE, REPOSITORIES, DebianRepository, RpmRepository
from rpms import make_repository, make_rpm
from serving import serving

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import BuildError, ListFileError, NotFoundError
from sbkernel.files import write_whole
from sbkernel.images import lock as locking
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.locking.lockfile import read_lock
from sbkernel.images.order import genimage_order
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.site import Site

KERNEL = "6.1.0-9-test"

# A mirror holds packages, and no container; oci/test_container_base.py has the lock of one.
pytestmark = pytest.mark.parametrize("family", ALONE, indirect=True, scope="module")


@dataclass
class Locked:
    """A site with the image "mine", whose packages come over HTTP; `stop` takes that away."""

    site: Site
    repository: DebianRepository | RpmRepository
    stop: Callable[[], None]
    pkglist: Path
    sites: ExitStack = field(default_factory=ExitStack)

    @property
    def lock(self) -> Path:
        return locking.path_of_lock(self.site, "mine", self.repository.osvers)

    def elsewhere(self, name: str) -> Site:
        """Return another site, with nothing in its cache, that has the same image."""
        site = self.sites.enter_context(Site.open(self.site.root.with_name(name)))
        site.set("osimage", "mine", **self.site.osimages["mine"].attributes)
        return site

    def asks(self, *names: str) -> None:
        self.pkglist.write_text("".join(f"{name}\n" for name in names))


def add_kernel(repository: DebianRepository | RpmRepository) -> str:
    """Add a package with a kernel and return its name."""
    if isinstance(repository, DebianRepository):
        make_kernel(repository.place, KERNEL)
        index(repository.place)
        return f"linux-image-{KERNEL}"
    modules = f"usr/lib/modules/{KERNEL}"
    make_rpm(
        repository.place,
        "own-kernel",
        "1-1",
        "noarch",
        files={f"{modules}/{name}": "x" for name in ("vmlinuz", "modules.dep")},
    )
    make_repository(repository.place)
    return "own-kernel"


@pytest.fixture
def locked(family: str, base: Path, tmp_path: Path) -> Iterator[Locked]:
    served = tmp_path / "served"
    served.mkdir()
    (served / "base").symlink_to(base)
    (served / "own").mkdir()
    repository = REPOSITORIES[family](served / "own", base)
    repository.add("own-tool")
    repository.add("own-later", needs="own-tool")
    pkglist = tmp_path / "mine.pkglist"
    with ExitStack() as stack, ExitStack() as server:
        port = server.enter_context(serving(served))
        suite = " ./" if family == "debian" else ""
        pkgdir = ",".join(f"http://user:secret@127.0.0.1:{port}/{name}{suite} gpgcheck=0" for name in ("base", "own"))
        site = stack.enter_context(Site.open(tmp_path / "a site"))
        found = Locked(site, repository, server.close, pkglist, stack)
        found.asks("own-later", add_kernel(repository))
        site.set(
            "osimage", "mine", imagetype="linux", osvers=repository.osvers, osarch="x86_64", profile="mine",
            provmethod="netboot", pkglist=str(pkglist), pkgdir=pkgdir,
        )  # fmt: skip
        yield found


def sb_lock(site: Site, *words: str) -> tuple[int, str]:
    """Return the exit status of the verb, and what it wrote."""
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), "lock", *words], standalone_mode=False)
    assert done.exception is None, done.output
    return int(done.return_value), done.output


def times(place: Path) -> dict[str, int]:
    return {str(path): path.stat().st_ino for path in place.rglob("*") if path.is_file()}


def test_a_locked_build_is_the_same_image_from_the_mirror_and_from_the_cache(locked: Locked, tmp_path: Path) -> None:
    site, mirror = locked.site, tmp_path / "mirror"
    assert locking.lock(site, "mine").written
    text = locked.lock.read_bytes()
    assert b"secret" not in text and b"Package: own-tool\n" in text
    again = locking.lock(site, "mine")
    assert (again.written, again.changes, locked.lock.read_bytes()) == (False, (), text)
    plan = plan_genimage(site, "mine").plan
    ((_, filled),) = locking.mirror(site, ["mine"], mirror)
    assert filled.brought == filled.packages > 2
    before = times(mirror)
    ((done, filled),) = locking.mirror(site, ["mine"], mirror)
    assert (done.written, filled.brought, times(mirror)) == (False, 0, before)
    assert locking.check(site, "mine").changes == ()
    locked.stop()
    # The site's own cache is not asked: this one is empty.
    other = locked.elsewhere("b site")
    order = genimage_order(other, "mine", locked=str(locked.lock))
    assert str(locked.lock) in order.inputs and order.arguments["locked"] == str(locked.lock)
    planned = plan_genimage(other, "mine", locked=str(locked.lock))
    assert planned.plan.digest == plan.digest
    built = genimage(other, "mine", locked=str(locked.lock))
    assert built["plan"] == plan.digest
    record = RootimgDir(Path(built["rootimgdir"])).record()
    assert record["lock"] == {"path": str(locked.lock), "sha256": read_lock(locked.lock).sha256}
    packed = packimage(other, "mine")
    assert genimage(other, "mine", locked=str(locked.lock))["built"] == []
    assert packimage(other, "mine")["cached"]
    # Without its mirror a lock is answered by the cache, which the first site has.
    shutil.rmtree(mirror)
    ((_, filled),) = locking.mirror(site, ["mine"], tmp_path / "another")
    assert filled.brought == filled.packages
    shutil.rmtree(site.cache / "layers", ignore_errors=True)
    (site.cache / "layers").symlink_to(other.cache / "layers")
    assert {"download", "packages"} <= set(genimage(site, "mine")["cached"]), "unlocked it is the same layer"
    assert packimage(site, "mine")["digest"] == packed["digest"]
    unlocked = RootimgDir(Path(genimage(site, "mine")["rootimgdir"]))
    assert "lock" not in unlocked.record()
    assert genimage(site, "mine", locked=True)["built"] == []
    assert unlocked.record()["lock"]["sha256"] == read_lock(locked.lock).sha256
    assert packimage(site, "mine")["cached"]


def test_a_mirror_is_a_repository_and_images_share_it(locked: Locked, tmp_path: Path) -> None:
    site, mirror = locked.site, tmp_path / "a mirror"
    attributes = dict(site.osimages["mine"].attributes)
    yours = tmp_path / "yours.pkglist"
    yours.write_text("own-tool\n")
    site.set("osimage", "yours", **{**attributes, "profile": "yours", "pkglist": str(yours)})
    locking.mirror(site, ["mine", "yours"], mirror)
    place = mirror / locked.repository.osvers / "x86_64"
    assert sorted(path.name for path in (place / "locks").iterdir()) == ["mine.lock", "yours.lock"]
    resolved = read_lock(locked.lock).packages
    locked.stop()
    site.set("osimage", "local", **{**attributes, "profile": "local", "pkgdir": str(place)})
    from_mirror = locking.lock(site, "local").lock
    assert {(one.name, one.version, one.sha256) for one in from_mirror.packages} == {
        (one.name, one.version, one.sha256) for one in resolved
    }
    assert all(str(place).replace(" ", "%20") in one.uri for one in from_mirror.packages)


def test_what_no_lock_needs_is_told_and_removed_when_asked(locked: Locked, tmp_path: Path) -> None:
    site, mirror = locked.site, tmp_path / "mirror"
    locking.mirror(site, ["mine"], mirror)
    locked.repository.add("own-tool", "2.0")
    status, said = sb_lock(site, "--check", "mine")
    assert (status, said.count(" -> ")) == (1, 1)
    with pytest.raises(BuildError, match=r"own-tool:\w+ 1\.0\S* -> 2\.0") as caught:
        locking.lock(site, "mine")
    assert "sb lock --update mine" in str(caught.value.hint)
    ((done, filled),) = locking.mirror(site, ["mine"], mirror, update=True)
    assert done.written and done.lock.mirror == str(mirror)
    assert (filled.brought, len(filled.unneeded), filled.removed) == (1, 1, ())
    assert "own-tool" in filled.unneeded[0] and (filled.place / filled.unneeded[0]).exists()
    ((_, pruned),) = locking.mirror(site, ["mine"], mirror, prune=True)
    assert (pruned.brought, pruned.unneeded, pruned.removed) == (0, (), filled.unneeded)
    assert not (filled.place / filled.unneeded[0]).exists()
    assert sb_lock(site, "--check", "mine")[0] == 0


def test_a_mirror_that_was_half_made_or_damaged_is_made_whole(locked: Locked, tmp_path: Path) -> None:
    site, mirror = locked.site, tmp_path / "mirror"
    ((_, filled),) = locking.mirror(site, ["mine"], mirror)
    before = {path: path.read_bytes() for path in (filled.place / "pool").rglob("*") if path.is_file()}
    damaged, gone, half = sorted(before)[:3]
    write_whole(damaged, b"damaged")
    gone.unlink()
    half.rename(half.with_name(f".{half.name}.new"))
    (filled.place / ".listed").unlink()
    changes = locking.check(site, "mine").changes
    assert len(changes) == 3 and all("the mirror lacks" in line for line in changes)
    mirror.rename(tmp_path / "elsewhere")
    assert locking.check(site, "mine").changes == (), "a lock is shared by hosts of which not all have the mirror"
    (tmp_path / "elsewhere").rename(mirror)
    ((_, filled),) = locking.mirror(site, ["mine"], mirror)
    assert (filled.brought, filled.unneeded) == (3, ())
    assert {path: path.read_bytes() for path in (filled.place / "pool").rglob("*") if path.is_file()} == before


def test_a_file_that_is_nowhere_any_more_is_named_with_all_places(locked: Locked, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    ((_, filled),) = locking.mirror(locked.site, ["mine"], mirror)
    locked.stop()
    file = next((filled.place / "pool").rglob("own-tool*"))
    for content, said in ((b"damaged", "is not what the lock says"), (None, "is not there")):
        if content is None:
            file.unlink()
        else:
            write_whole(file, content)
        with pytest.raises(
            BuildError, match=r"nobody has exactly the package that .*mine.lock names: own-tool=1"
        ) as one:
            genimage(locked.elsewhere("b site"), "mine", locked=str(locked.lock))
        assert f"{file} {said}" in one.value.message
        assert "127.0.0.1" in one.value.message and "secret" not in one.value.message
        assert "sb lock --update mine" in str(one.value.hint)


def test_a_lock_answers_the_lists_that_it_was_made_for_alone(locked: Locked) -> None:
    site = locked.site
    with pytest.raises(NotFoundError, match=r"there is no lock .*/mine.lock"):
        plan_genimage(site, "mine", locked=True)
    locking.lock(site, "mine")
    locked.stop()
    asked = locked.pkglist.read_text().split()
    locked.pkglist.write_text("# a comment\n" + locked.pkglist.read_text())
    assert plan_genimage(site, "mine", locked=True).pending
    locked.asks(*asked, "own-tool")
    with pytest.raises(
        ListFileError, match=r"mine.pkglist:3: the lock \S* ?\S*mine.lock has no answer for own-tool"
    ) as e:
        genimage(site, "mine", locked=True)
    assert "sb lock --update mine" in str(e.value.hint)
    locked.asks(asked[1])
    with pytest.raises(BuildError, match=r"have changed since .*they no longer ask for own-later"):
        genimage(site, "mine", locked=True)
    locked.asks(asked[0], "#NEW_INSTALL_LIST#", asked[1])
    with pytest.raises(BuildError, match=r"the lists of mine have changed since"):
        genimage(site, "mine", locked=True)
    locked.asks(*asked)
    site.set("osimage", "mine", osarch="aarch64")
    with pytest.raises(ListFileError, match=r"mine.lock:6: this lock is for x86_64, not for aarch64"):
        genimage(site, "mine", locked=True)
    site.set("osimage", "mine", osarch="x86_64")
    site.set("osimage", "other", **{**site.osimages["mine"].attributes, "profile": "other"})
    with pytest.raises(ListFileError, match=r"mine.lock:4: this lock is for mine, not for other"):
        genimage(site, "other", locked=str(locked.lock))
    text = locked.lock.read_text()
    locked.lock.write_text(text.replace("\nSize: ", "\nSize: x", 1))
    with pytest.raises(ListFileError, match=r"mine.lock:\d+: damaged lock: Size cannot be"):
        genimage(site, "mine", locked=True)
    with pytest.raises(ListFileError, match=r"mine.pkglist:1: this is no lock"):
        locking.lock(site, "mine", file=str(locked.pkglist), update=True)
