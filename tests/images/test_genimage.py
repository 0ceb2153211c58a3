"""genimage with real packages: what comes out, what a second run does, and that no accident leaves anything behind."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debs import KERNELS, make_repository, pkgdir
from waiting import until

from sbkernel.errors import BuildError, DefinitionError, ListFileError, NotFoundError
from sbkernel.images.genimage import describe, genimage, plan_genimage
from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.packages import dpkg
from sbkernel.site import Site

TARGET = "sbkernel.images.genimage:genimage"


@dataclass
class Recorder:
    """A report that keeps everything."""

    phases: list[str] = field(default_factory=list)
    counts: list[tuple[int, int | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:
        self.phases.append(title)
        yield

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        self.counts.append((done, total))

    def log(self, line: str) -> None:
        self.lines.append(line)

    def result(self, **data: object) -> None:
        pass


@dataclass
class Small:
    """A site with one image, built once from a minimal base and packages that this test made."""

    site: Site
    pkglist: Path
    tree: Path
    report: Recorder
    result: dict[str, object]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    debs = tmp_path_factory.mktemp("debs")
    make_repository(debs)
    pkglist = debs / "small.pkglist"
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        define(site, "small", pkglist, pkgdir(debs))
        report = Recorder()
        result = genimage(site, "small", report=report)
        yield Small(site, pkglist, Path(str(result["rootimgdir"])) / "rootimg", report, result)


def define(site: Site, image: str, pkglist: Path, pkgdir: str, **more: str) -> None:
    values = {"osvers": "debian12", "osarch": "x86_64", "profile": image, "provmethod": "netboot", **more}
    site.set("osimage", image, imagetype="linux", pkglist=str(pkglist), pkgdir=pkgdir, **values)


def another(small: Small, image: str, **more: str) -> Path:
    """Define an image with the packages of the small one and return its tree-to-be."""
    define(small.site, image, small.pkglist, small.site.osimages["small"].get("pkgdir"), **more)
    return small.site.installdir / "netboot/debian12/x86_64" / image / "rootimg"


def assert_nothing_left(site: Site) -> None:
    """Nothing is mounted below the site, no process works there, no half of a layer or tree is there."""
    escaped = str(site.root).replace(" ", "\\040")
    assert escaped not in Path("/proc/self/mountinfo").read_text()
    assert not list(site.installdir.glob("netboot/*/*/*/.new"))
    assert not list((site.cache / "layers").glob(".new-*"))
    assert not processes(site)


def processes(site: Site) -> list[str]:
    found = (path / "cmdline" for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid()))
    return [text for file in found if str(site.root) in (text := read(file))]


def read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_the_image_is_built_whole(small: Small) -> None:
    assert small.result["built"] == ["packages", "configure", "postinstall", "kernel", "initrd"]
    assert small.result["kernelver"] == "6.1.0-10-test"
    assert (small.tree.parent / "kernel").read_text() == "kernel 6.1.0-10-test"
    assert (small.tree.parent / "initrd-stateless.gz").stat().st_size > 100_000
    assert (small.tree / "usr/bin/own-tool").exists()
    assert not {"usrmerge", "perl"} & {package.name for package in dpkg.installed(small.tree)}
    assert_nothing_left(small.site)


def test_progress_is_by_phase_and_package(small: Small) -> None:
    assert small.report.phases == [
        "resolve packages", "download packages", "install packages", "copy the layer", "configure",
        "take the kernel", "build the initrd",
    ]  # fmt: skip
    total = small.result["packages"]
    installs = [done for done, of in small.report.counts if of == total]
    assert installs[-1] == total
    assert any(line.startswith("Setting up own-tool") for line in small.report.lines)
    assert not any("not as resolved" in line for line in small.report.lines)


def test_no_identity_and_no_trace_of_the_build_is_left_inside(small: Small) -> None:
    tree = small.tree
    assert (tree / "etc/machine-id").read_bytes() == b""
    for name in ("etc/hostname", "usr/sbin/policy-rc.d", "etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list"):
        assert not os.path.lexists(tree / name), name
    assert [path for path in (tree / "var/log").rglob("*") if path.is_file()] == []
    assert list((tree / "var/lib/apt/lists").iterdir()) == list((tree / "var/cache/apt").iterdir()) == []
    assert list(tree.rglob("ssh_host_*")) == list(tree.glob("boot/initrd*")) == list(tree.rglob("libeatmydata*")) == []
    assert str((tree / "etc/resolv.conf").readlink()) == "/run/resolv.conf"
    shadow = (tree / "etc/shadow").read_text().splitlines()
    assert [line.split(":")[1] for line in shadow if line.startswith("root:")] == ["*"]
    assert str(small.pkglist.parent) not in (tree / "etc/apt/sources.list.d/image.sources").read_text()
    host = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else ""
    assert len(host) < 4 or host not in "".join(path.read_text() for path in (tree / "etc").glob("host*"))


def test_nothing_is_newer_than_the_newest_package(small: Small) -> None:
    layer = next((small.site.cache / "layers").glob("*/layer.json"))
    epoch = json.loads(layer.read_text())["epoch"]
    assert [path for path in small.tree.rglob("*") if path.lstat().st_mtime > epoch] == []


def test_fstab_is_xcats_and_the_original_is_kept(small: Small) -> None:
    text = (small.tree / "etc/fstab").read_text()
    assert text.splitlines()[-1].split() == ["small_x86_64", "/", "tmpfs", "rw", "0", "1"]
    assert (small.tree.parent / "fstab.default").read_text() == text


def test_a_second_run_does_nothing(small: Small) -> None:
    before = small.tree.stat().st_ino, (small.tree.parent / "plan.json").stat().st_mtime_ns
    again = genimage(small.site, "small")
    assert again["built"] == []
    assert before == (small.tree.stat().st_ino, (small.tree.parent / "plan.json").stat().st_mtime_ns)
    rows = describe(small.site, "small").splitlines()
    assert len(rows) == 5
    assert all(" cached " in row for row in rows)
    assert plan_genimage(small.site, "small") == plan_genimage(small.site, "small")


def test_an_image_with_the_same_packages_reuses_the_layer(small: Small) -> None:
    tree = another(small, "twin")
    assert [row.split()[1] for row in describe(small.site, "twin").splitlines()] == ["cached", *["run"] * 4]
    result = genimage(small.site, "twin")
    assert "packages" in result["cached"]
    assert (tree / "etc/fstab").read_text().splitlines()[-1].startswith("twin_x86_64")
    (tree / "usr/bin/own-tool").write_text("changed")
    assert (small.tree / "usr/bin/own-tool").read_text() == "#!/bin/sh\n"


def test_postinstall_is_called_as_by_xcat(small: Small, tmp_path: Path) -> None:
    script = tmp_path / "post.sh"
    script.write_text(
        '#!/bin/sh -e\necho "$*" > "$1/etc/called"\nenv | grep ^IMG_ | sort > "$1/etc/environ"\n'
        'chroot "$1" test -e /proc/self/status\nuname -r > "$1/etc/uname"\necho from-the-script\n'
    )
    script.chmod(0o755)
    tree = another(small, "posted", postinstall=f"{script} one two,{script}")
    report = Recorder()
    assert "packages" in genimage(small.site, "posted", report=report)["cached"]
    implicit = f"{tree.parent}/.new/rootimg debian12 x86_64 posted"
    assert (tree / "etc/called").read_text() == f"{implicit}\n"
    environ = dict(line.split("=", 1) for line in (tree / "etc/environ").read_text().splitlines())
    assert environ["IMG_NAME"] == environ["IMG_PROFILE"] == "posted"
    assert (environ["IMG_KERNELVERSION"], environ["IMG_PKGLIST"]) == ("6.1.0-10-test", str(small.pkglist))
    assert "IMG_OTHERPKGLIST" not in environ
    assert (tree / "etc/uname").read_text() == "6.1.0-10-test\n"
    assert report.lines.count("from-the-script") == 2
    old = tree.stat().st_ino
    script.write_text("#!/bin/sh\necho why it failed; exit 3\n")
    with pytest.raises(BuildError, match="failed:\nwhy it failed"):
        genimage(small.site, "posted")
    assert tree.stat().st_ino == old
    script.write_text("#!/bin/sh\n")
    assert "postinstall" in genimage(small.site, "posted")["built"]
    assert_nothing_left(small.site)


def test_an_edited_fstab_is_kept_and_a_durable_one_is_used(small: Small) -> None:
    tree = another(small, "tabbed")
    genimage(small.site, "tabbed")
    (tree / "etc/fstab").write_text("edited\n")
    assert genimage(small.site, "tabbed")["built"] == []
    assert (tree / "etc/fstab").read_text() == "edited\n"
    own = small.site.installdir / "custom/netboot/debian/tabbed.fstab"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("own\n")
    report = Recorder()
    genimage(small.site, "tabbed", report=report)
    assert (tree / "etc/fstab").read_text() == "own\n"
    assert (tree.parent / "fstab.edited").read_text() == "edited\n"
    assert any(str(own) in line for line in report.lines)


def test_kernel_and_initrd_alone(small: Small) -> None:
    tree = another(small, "kernels")
    genimage(small.site, "kernels")
    inode = tree.stat().st_ino
    result = genimage(small.site, "kernels", onlyinitrd=True, kernelver="6.1.0-9-test")
    assert result["built"] == ["kernel", "initrd"]
    assert (tree.parent / "kernel").read_text() == "kernel 6.1.0-9-test"
    assert tree.stat().st_ino == inode
    assert small.site.osimages["kernels"].get("kernelver") == "6.1.0-9-test"
    with pytest.raises(BuildError, match="no driver nosuchcard"):
        genimage(small.site, "kernels", onlyinitrd=True, netdrivers="nosuchcard")
    assert small.site.osimages["kernels"].get("netdrivers") == ""
    assert_nothing_left(small.site)


def started(small: Small, image: str, packages: str) -> Job:
    """Start a build that has to install packages, and return when it does."""
    another(small, image)
    pkglist = small.pkglist.with_name(f"{image}.pkglist")
    pkglist.write_text(small.pkglist.read_text() + packages)
    small.site.set("osimage", image, pkglist=str(pkglist))
    job = jobs.start(small.site, "genimage", TARGET, image=image)
    until(lambda: job.progress.phase == "install packages" and job.progress.done >= 3, 120)
    assert processes(small.site)
    assert list(small.site.cache.glob("layers/.new-*/mmdebstrap.*")), "temporary files lie with the partial layer"
    return job


def test_cancel_leaves_nothing(small: Small) -> None:
    job = started(small, "cancelled", "own-later\n")
    job.cancel()
    until(lambda: job.done, 15)
    assert job.state == "cancelled"
    until(lambda: not processes(small.site), 5)
    assert_nothing_left(small.site)
    assert len(list((small.site.cache / "layers").glob("*/layer.json"))) == 1


def test_kill_9_leaves_nothing_in_use_and_the_next_run_is_fine(small: Small) -> None:
    job = started(small, "killed", "#NEW_INSTALL_LIST#\n#ENV:OWN=1#\nown-later\n")
    os.kill(int(json.loads((job.dir / "pid").read_text())["pid"]), signal.SIGKILL)
    until(lambda: not processes(small.site), 5)
    assert job.state == "failed"
    assert str(small.site.root) not in Path("/proc/self/mountinfo").read_text().replace("\\040", " ")
    assert len(list((small.site.cache / "layers").glob("*/layer.json"))) == 1
    result = genimage(small.site, "killed")
    assert result["built"] == ["packages", "configure", "postinstall", "kernel", "initrd"]
    assert (Path(result["rootimgdir"]) / "rootimg/usr/share/own-later").exists()
    assert_nothing_left(small.site)


def test_device_nodes_and_capabilities_survive_the_copy(small: Small) -> None:
    assert stat.S_ISCHR((small.tree / "dev/null").stat().st_mode)
    listed = subprocess.run(["stat", "--format=%a %U", small.tree / "usr/bin/passwd"], capture_output=True, text=True)
    assert listed.stdout.split() == ["4755", "root"]


def test_an_unknown_package_is_located_and_near_names_given(small: Small) -> None:
    pkglist = small.pkglist.with_name("wrong.pkglist")
    pkglist.write_text("# comment\nown-tool,own-tol\n")
    another(small, "wrong")
    small.site.set("osimage", "wrong", pkglist=str(pkglist))
    with pytest.raises(ListFileError, match=r"wrong.pkglist:2: no source has a package own-tol") as caught:
        genimage(small.site, "wrong")
    assert "own-tool" in str(caught.value.hint)
    pkglist.write_text("\n\n@group\n")
    with pytest.raises(ListFileError, match=r"wrong.pkglist:3: '@group' is not a package name of Debian"):
        genimage(small.site, "wrong")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pkglist": None}, "A .pkglist file must be specified for image 'bad' in the linuximage table."),
        ({"provmethod": "install"}, "Make sure osimage.provmethod is 'netboot'."),
        ({"rootimgdir": "/usr/lib/images/x"}, "is no place for an image"),
        ({"rootimgdir": "/srv"}, "is no place for an image"),
        ({"rootimgdir": "/srv/../usr/x"}, "is not an absolute path"),
        ({"osvers": "rhels9.4"}, "not supported yet: rhels9.4; supported: debian"),
        ({"postinstall": "/nonexistent"}, "'/nonexistent' does not exist!"),
        ({"pkglist": "/nonexistent"}, "The pkglist specified '/nonexistent' does not exist!"),
    ],
)
def test_refused_before_anything_is_done(small: Small, change: dict[str, str | None], message: str) -> None:
    another(small, "bad", rootimgdir="", postinstall="")
    small.site.set("osimage", "bad", **change)
    with pytest.raises((DefinitionError, BuildError, NotFoundError)) as caught:
        genimage(small.site, "bad")
    assert message in caught.value.message


def test_two_images_may_not_share_a_tree(small: Small) -> None:
    define(small.site, "thief", small.pkglist, str(small.pkglist.parent), rootimgdir=str(small.tree.parent))
    try:
        with pytest.raises(DefinitionError, match="'thief' and 'small' share the rootimgdir"):
            genimage(small.site, "thief")
    finally:
        small.site.delete("osimage", "thief")
    with pytest.raises(NotFoundError, match=r"Cannot find image 'thief' from the osimage table\."):
        genimage(small.site, "thief")
