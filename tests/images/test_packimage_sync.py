"""packimage lays the files of synclists over the tree: real files, real overlays, the real mksquashfs."""

import json
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from smallbuild import Recorder
from test_packimage import IMAGE, define, listing, plant

from sbkernel.errors import BuildError, ListFileError, NotFoundError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import format_for
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.images.tree.lint import lint
from sbkernel.site import Site

PASSWD = "root:x:0:0:root:/root:/bin/sh\nmunge:x:998:997::/:/bin/false\n"
SHADOW = "root:*:19000::::::\n"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    tree = plant(tmp_path / "built")
    (tree / "etc/ssh").mkdir(parents=True)
    (tree / "etc/passwd").write_text(PASSWD)
    (tree / "etc/group").write_text("root:x:0:\nmunge:x:997:\n")
    (tree / "etc/shadow").write_text(SHADOW)
    (tree / "etc/shadow").chmod(0o640)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost")
    (tree / "etc/resolv.conf").symlink_to("/run/resolv.conf")
    return tree


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory of sources."""
    directory = tmp_path / "files with : and , in it"
    for name in ("motd", "a.conf", "b.conf", "deep/er/file"):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(f"{name}\n")
    link = tmp_path / "files"
    link.symlink_to(directory)
    return link


@pytest.fixture
def site(tmp_path: Path, built: Path) -> Site:
    site = Site.open(tmp_path / "site with blanks")
    define(site, IMAGE, built.parent, synclists=str(tmp_path / "list"))
    return site


@pytest.fixture
def listed(tmp_path: Path, files: Path) -> Callable[..., Path]:
    """Write the synclist; F stands for the directory of sources."""

    def write(*lines: str) -> Path:
        (tmp_path / "list").write_text("".join(f"{line.replace('F/', f'{files}/')}\n" for line in lines))
        return tmp_path / "list"

    return write


def unpacked(site: Site, tmp_path: Path) -> Path:
    """Unpack what nodes boot."""
    out = tmp_path / "out"
    subprocess.run(["rm", "-rf", out], check=True)
    root = Catalog(site).current(IMAGE).root
    subprocess.run(["unsquashfs", "-q", "-d", out, root], check=True, capture_output=True)
    return out


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def everything(tree: Path) -> str:
    """Return what is in a tree, with modes, owners and times."""
    found = ["find", tree, "-printf", "%P %y %m %U %G %s %T@ %l\n"]
    text = subprocess.run(found, check=True, capture_output=True, text=True).stdout
    return text + "".join(repr(path.read_bytes()) for path in sorted(tree.rglob("*")) if path.is_file())


def test_copies_go_where_xcat_puts_them(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    (files / "a.conf").chmod(0o600)
    (files / "b.conf").chmod(0o4751)
    os.utime(files / "b.conf", (1_600_000_000, 1_600_000_000))
    (files / "link.conf").symlink_to("b.conf")
    listed(
        "# a comment",
        "F/motd -> /etc/renamed", "F/motd -> /new/directories/", "F/motd -> /etc/ssh",
        "F/a.conf F/b.conf -> /etc/both", "F/*.conf -> /opt/all/", "F/{a,b}.conf -> /opt/braces/",
        "F/deep -> /opt/deep", "F/deep -> /srv", "F/deep/ -> /mnt/content", "F/motd -> /bin/tool",
    )  # fmt: skip
    before = everything(built)
    packimage(site, IMAGE)
    out, packed = unpacked(site, tmp_path), listing(Catalog(site).current(IMAGE).root)
    assert (out / "etc/renamed").read_text() == (out / "new/directories/motd").read_text() == "motd\n"
    assert (out / "etc/ssh/motd").is_file(), "an existing directory takes the file in"
    assert names(out / "etc/both") == names(out / "opt/braces") == ["a.conf", "b.conf"]
    assert names(out / "opt/all") == ["a.conf", "b.conf", "link.conf"]
    assert not (out / "opt/all/link.conf").is_symlink(), "links are followed, as rsync -L does"
    assert (out / "opt/deep/er/file").is_file() and (out / "srv/deep/er/file").is_file()
    assert (out / "mnt/content/er/file").is_file()
    assert packed["/etc/both/a.conf"] == "-rw-------" and packed["/etc/both/b.conf"] == "-rwsr-x--x"
    assert packed["/new/directories"] == "drwxr-xr-x"
    assert (out / "etc/both/b.conf").stat().st_mtime == 1_600_000_000
    assert packed["/bin"].startswith("l") and (out / "usr/bin/tool").read_text() == "motd\n"
    assert everything(built) == before, "the tree stays what genimage made"


def test_a_tree_cannot_lead_out_of_itself(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (built / "absolute").symlink_to(outside)
    (built / "relative").symlink_to("../" * 20 + str(outside)[1:])
    (built / "file").symlink_to(outside / "made")
    (built / "loop").symlink_to("loop")
    listed("F/motd -> /absolute/one", "F/motd -> /relative/two", "F/motd -> /file", "F/motd -> /etc/resolv.conf")
    packimage(site, IMAGE)
    assert list(outside.iterdir()) == []
    out = unpacked(site, tmp_path)
    below = out / str(outside)[1:]
    assert (below / "one").read_text() == (below / "two").read_text() == "motd\n", "as it would be on the node"
    assert not (out / "file").is_symlink() and not (out / "etc/resolv.conf").is_symlink(), "the link itself is replaced"
    listed("F/motd -> /loop/x")
    with pytest.raises(ListFileError, match=r"list:1: .*motd: too many links in /loop/x"):
        packimage(site, IMAGE)


def test_neither_a_link_of_a_package_nor_the_working_directory_is_used_on_the_way(
    site: Site, built: Path, listed: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the name by which files once came into a tree, a package could put a link to any file of this host."""
    outside, ours = tmp_path / "outside", tmp_path / "here"
    outside.write_text("of this host\n")
    for directory in ("etc", "usr/bin"):
        (built / directory / ".sbkernel-sync").symlink_to(outside)
    ours.mkdir()
    (ours / "json.py").write_text("raise SystemExit('a file of the working directory was run')\n")
    monkeypatch.chdir(ours)
    listed("F/motd -> /etc/motd", "F/motd -> /usr/bin/tool", "APPEND:", "F/a.conf -> /etc/hosts")
    packimage(site, IMAGE)
    assert outside.read_text() == "of this host\n"
    out = unpacked(site, tmp_path)
    assert (out / "usr/bin/tool").read_text() == "motd\n"
    assert names(out / "etc") == sorted([*names(built / "etc"), "motd"]), "nothing is left beside what was laid"


def test_owners_are_found_by_name_among_the_users_of_the_tree(
    site: Site, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    daemon = next(
        line.split(":") for line in Path("/etc/passwd").read_text().splitlines() if line.startswith("daemon:")
    )
    os.chown(files / "motd", int(daemon[2]), int(daemon[3]))
    os.chown(files / "a.conf", 54321, 54322)
    (files / "b.conf").write_text("daemon:x:777:888::/:/bin/false\n")
    listed("F/motd -> /etc/motd", "F/a.conf -> /etc/a.conf", "MERGE:", "F/b.conf -> /etc/passwd")
    packimage(site, IMAGE)
    out = unpacked(site, tmp_path)
    assert (out / "etc/motd").stat().st_uid == 777
    assert (out / "etc/a.conf").stat()[4:6] == (54321, 54322), "a user without a name keeps the number"


def test_append_and_merge_begin_with_the_tree_each_time(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    (files / "more").write_text("10.0.0.1 head\n")
    (files / "users").write_text("munge:x:1:1:new:/:/bin/sh\n\nalice:x:2000:2000::/home/alice:/bin/sh")
    (files / "pw").write_text("alice:$6$salt$verysecrethash:19000::::::\n")
    listed(
        "APPEND:",
        "F/more -> /etc/hosts",
        "F/motd -> /etc/hosts",
        "MERGE:",
        "F/users -> /etc/passwd",
        "F/pw -> /etc/shadow",
    )
    for _ in range(2):
        packimage(site, IMAGE, force=True)
        out = unpacked(site, tmp_path)
        assert (out / "etc/hosts").read_text() == "127.0.0.1 localhost\n10.0.0.1 head\nmotd\n"
        assert (out / "etc/passwd").read_text() == (
            "root:x:0:0:root:/root:/bin/sh\nmunge:x:1:1:new:/:/bin/sh\nalice:x:2000:2000::/home/alice:/bin/sh\n"
        )
        assert (out / "etc/shadow").stat().st_mode & 0o7777 == 0o640
    assert (built / "etc/passwd").read_text() == PASSWD
    found = subprocess.run(["grep", "-rl", "verysecrethash", site.root], capture_output=True, text=True).stdout
    assert found == "", "secrets are in no plan, record, event or log"


def test_nothing_is_packed_twice_and_any_change_packs_again(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    listed("F/motd -> /etc/motd", "F/deep -> /opt/")
    first = packimage(site, IMAGE)
    assert packimage(site, IMAGE)["cached"]
    assert packimage(site, IMAGE, force=True)["root_sha256"] == first["root_sha256"]
    seen = {first["digest"]}
    for change in (
        lambda: (files / "motd").write_text("MOTD\n"),
        lambda: (files / "motd").chmod(0o640),
        lambda: (files / "deep/er/new").touch(),
        lambda: (files / "deep/er/file").rename(files / "deep/er/other"),
        lambda: listed("F/motd -> /etc/motd2", "F/deep -> /opt/"),
        lambda: (built / "etc/hosts").write_text("changed"),
    ):
        change()
        done = packimage(site, IMAGE)
        assert not done["cached"] and done["digest"] not in seen
        seen.add(done["digest"])
        assert packimage(site, IMAGE)["cached"]
    listed("F/deep -> /opt/")
    packimage(site, IMAGE)
    assert not (unpacked(site, tmp_path) / "etc/motd2").exists(), "a line taken out takes the file out"


def test_the_exclude_list_applies_to_what_is_laid(
    site: Site, files: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    exlist = tmp_path / "exlist"
    exlist.write_text("./opt/*\n./usr/share/doc*\n+./opt/kept*\n")
    site.set("osimage", IMAGE, exlist=str(exlist))
    listed("F/motd -> /opt/gone", "F/motd -> /opt/kept", "F/motd -> /usr/share/doc/x")
    packimage(site, IMAGE)
    packed = listing(Catalog(site).current(IMAGE).root)
    assert "/opt/kept" in packed and "/opt/gone" not in packed and "/usr/share/doc" not in packed
    exlist.write_text("./usr/share/doc*\n")
    assert not packimage(site, IMAGE)["cached"]
    assert "/opt/gone" in listing(Catalog(site).current(IMAGE).root)


def test_lines_for_some_nodes_are_kept_for_boot(site: Site, files: Path, listed: Callable[..., Path]) -> None:
    site.set("osimage", IMAGE, environvar="WHO=gpu,X=1")
    path = listed("F/motd -> /etc/motd", "F/gone -> (gpu,n[1-9]) /etc/$WHO", "APPEND:", "F/motd -> (n1) /etc/hosts")
    report = Recorder()
    packed = packimage(site, IMAGE, report=report)
    digest, warnings = packed["digest"], packed["warnings"]
    assert (packed["kept_for_boot"], warnings) == (2, [])
    kept = Catalog(site).get(digest).syncfiles
    assert [(one["clause"], one["destination"], one["noderange"], one["line"]) for one in kept] == [
        ("", "/etc/gpu", "gpu,n[1-9]", f"{path}:2"), ("APPEND", "/etc/hosts", "n1", f"{path}:4"),
    ]  # fmt: skip
    assert [one["sources"] for one in kept] == [[f"{files}/gone"], [f"{files}/motd"]]
    assert f"{path}:2: kept for boot: only for gpu,n[1-9]" in report.lines
    there = listing(Catalog(site).current(IMAGE).root)
    assert "/etc/motd" in there and "/etc/gpu" not in there
    shown = str(plan_packimage(site, IMAGE, compression="lz4"))
    assert "sync files" in shown and "1 path, 0 scripts, 2 lines kept for boot" in shown
    done = packimage(site, IMAGE, nosyncfiles=True)
    assert "/etc/motd" not in listing(Catalog(site).current(IMAGE).root)
    assert len(Catalog(site).get(done["digest"]).syncfiles) == 3, "all of it is left for boot"


def test_lint_says_what_is_kept_for_boot_and_which_scripts_are_missing(
    site: Site, files: Path, listed: Callable[..., Path]
) -> None:
    path = listed(
        "F/motd -> /etc/motd", "F/a.conf -> (n1) /etc/a", "EXECUTE:", "F/motd.post", "EXECUTEALWAYS:", "F/motd",
    )  # fmt: skip
    said = [str(one) for one in lint(site, IMAGE) if one.file == str(path)]
    assert said == [
        f"{path}:2:1: info: kept for boot: only for n1",
        f"{path}:4:1: warning: {files}/motd.post does not exist",
        f"{path}:6:1: info: runs in the image when it is packed, and is kept for boot",
    ]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["F/gone -> /etc/motd"], "list:1: .*/gone does not exist"),
        (["", "F/*.none -> /etc/"], r"list:2: nothing matches .*/\*.none"),
        (["F/dangling -> /etc/x"], "list:1: .*/dangling is a link to /nowhere, which does not exist"),
        (["F/circle -> /etc/x"], "list:1: .*/circle/circle is a link back to a directory above it"),
        (["F/motd -> /etc/../../x"], r"list:1: the destination may not contain \.\."),
        (["F/motd -> /etc/motd", "motd -> /x"], "list:2: motd is not a full path"),
        (["F/$NONE -> /etc/motd"], r"list:1: \$NONE is not set in the environvar"),
        (["F/motd -> /etc/passwd/x"], "list:1: .*motd: /etc/passwd is no directory in the image"),
        (["F/ssh -> /etc/ssh"], "list:1: .*ssh: /etc/ssh is a directory in the image"),
        (["APPEND:", "F/motd -> /etc/none"], "list:2: .*motd: the image has no file /etc/none"),
        (["APPEND:", "F/deep -> /etc/hosts"], "list:2: APPEND: takes files, and .*/deep is none"),
        (["MERGE:", "F/motd -> /etc/shadow"], "list:2: .*motd: line 1 has 1 fields, not the 9 of /etc/shadow"),
        (["MERGE:", "F/motd -> /etc/hosts"], "list:2: MERGE: cannot change /etc/hosts"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_done_is_named_and_nothing_is_left(
    site: Site, built: Path, files: Path, listed: Callable[..., Path], lines: list[str], says: str
) -> None:
    (files / "dangling").symlink_to("/nowhere")
    (files / "circle").mkdir()
    (files / "circle/circle").symlink_to(files / "circle")
    (files / "ssh").touch()
    listed(*lines)
    with pytest.raises(ListFileError, match=says):
        packimage(site, IMAGE)
    assert not (built.parent / ".sync").exists() and Catalog(site).versions() == []
    assert str(built.parent) not in Path("/proc/self/mountinfo").read_text()


@pytest.mark.parametrize("method", ["erofs", "cpio", "tar"])
def test_every_format_packs_what_is_laid_and_nodes_know_its_size(
    site: Site, files: Path, listed: Callable[..., Path], tmp_path: Path, method: str
) -> None:
    before = Catalog(site).get(packimage(site, IMAGE, method=method, nosyncfiles=True)["digest"]) if listed() else None
    (files / "large").write_bytes(os.urandom(1 << 20))
    listed("F/large -> /opt/large", "F/motd -> /etc/hosts", "F/motd -> /dropped")
    (tmp_path / "exlist").write_text("./dropped\n")
    site.set("osimage", IMAGE, exlist=str(tmp_path / "exlist"))
    done = packimage(site, IMAGE, method=method)
    version = Catalog(site).get(done["digest"])
    packed = format_for(PackOptions(method))
    sizes = {path.removeprefix("./"): size for path, size in packed.sizes(version.root)}
    assert (sizes["opt/large"], sizes["etc/hosts"]) == (1 << 20, 5) and "dropped" not in sizes
    assert before and version.unpacked_bytes >= before.unpacked_bytes + (1 << 20 if packed.unpacked else 0)
    assert packimage(site, IMAGE, method=method, force=True)["root_sha256"] == done["root_sha256"]


def test_capabilities_and_hard_links_of_the_tree_are_kept_whatever_its_directory_is_called(
    site: Site, built: Path, listed: Callable[..., Path], tmp_path: Path
) -> None:
    odd = tmp_path / "a:b,c d\\e=f"
    built.parent.rename(odd)
    site.set("osimage", IMAGE, rootimgdir=str(odd))
    tool = odd / "rootimg/usr/bin/tool"
    capability = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)  # struct vfs_cap_data, CAP_NET_RAW
    os.setxattr(tool, "security.capability", capability)
    os.link(tool, tool.with_name("same"))
    listed("F/motd -> /etc/motd")
    packimage(site, IMAGE)
    out = unpacked(site, tmp_path) / "usr/bin"
    assert os.getxattr(out / "tool", "security.capability") == capability
    assert (out / "tool").stat().st_ino == (out / "same").stat().st_ino


def test_a_missing_list_is_an_error_and_an_empty_one_does_nothing(
    site: Site, listed: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match=r"The synclists specified '.*/list' does not exist!"):
        packimage(site, IMAGE)
    listed("# nothing yet")
    assert "sync files" not in str(plan_packimage(site, IMAGE))
    packimage(site, IMAGE)
    assert Catalog(site).current(IMAGE).syncfiles == []


def test_sources_that_change_while_they_are_laid_are_not_published(
    site: Site, files: Path, listed: Callable[..., Path]
) -> None:
    listed("F/motd -> /etc/motd")

    class Meddler(Recorder):
        def progress(self, done: int, total: int | None = None, text: str = "") -> None:
            (files / "motd").write_text("other\n")

    with pytest.raises(BuildError, match="were changed while they were packed"):
        packimage(site, IMAGE, report=Meddler())
    assert Catalog(site).versions() == []


def test_what_only_its_owner_may_read_is_said_and_its_digest_tells_nothing(
    site: Site, files: Path, listed: Callable[..., Path]
) -> None:
    (files / "motd").chmod(0o600)
    path = listed("F/motd -> /etc/motd")
    report = Recorder()
    packimage(site, IMAGE, report=report)
    assert [line for line in report.lines if line.startswith(f"{path}:1: {files}/motd is closed to others")]
    shown = plan_packimage(site, IMAGE).plan.to_json()
    step = next(step for step in json.loads(shown)["steps"] if step["name"] == "sync")
    (facts,) = step["inputs"]["sources"].values()
    plain = subprocess.run(["sha256sum", files / "motd"], capture_output=True, text=True, check=True).stdout.split()[0]
    assert plain not in facts and len(facts.split()[0]) == 64
