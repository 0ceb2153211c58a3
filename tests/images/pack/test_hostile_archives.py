"""Archives that somebody else has made: what is unpacked of them stays where it is unpacked."""

import subprocess
from pathlib import Path

import pytest

from sbkernel.errors import BuildError
from sbkernel.images.pack.cpio import check_links
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import format_for

WANTED = ["usr/share/doc/*/copyright"]


def archived(tree: Path, *names: str) -> bytes:
    listed = "".join(f"{name}\n" for name in names)
    argv = ["cpio", "-o", "-H", "newc", "--quiet"]
    return subprocess.run(argv, cwd=tree, input=listed.encode(), check=True, capture_output=True).stdout


def test_a_cpio_writes_nothing_through_its_own_link(tmp_path: Path) -> None:
    """Both entries match a pattern, whose * takes a slash, too; cpio follows the first when it writes the second."""
    host, link, below = (tmp_path / name for name in ("host", "link", "below"))
    host.mkdir()
    (link / "usr/share/doc/x").mkdir(parents=True)
    (link / "usr/share/doc/x/copyright").symlink_to(host)
    (below / "usr/share/doc/x/copyright/y").mkdir(parents=True)
    (below / "usr/share/doc/x/copyright/y/copyright").write_text("of somebody else")
    first = archived(link, "usr/share/doc/x/copyright")
    whole = first[: first.rindex(b"070701")] + archived(below, "usr/share/doc/x/copyright/y/copyright")
    file = tmp_path / "root.cpio.gz"
    file.write_bytes(subprocess.run(["gzip", "-c"], input=whole, check=True, capture_output=True).stdout)
    with pytest.raises(BuildError, match="was not made from a tree: usr/share/doc/x/copyright/y/copyright lies below"):
        format_for(PackOptions("cpio", "gzip")).extract(file, tmp_path / "out", WANTED)
    assert list(host.iterdir()) == [] and not (tmp_path / "out").exists()


def line(kind: str, name: str) -> str:
    size = "1,   3" if kind == "c" else "12"
    return f"{kind}rwxrwxrwx   1 0        0        {size:>8} Nov 28 22:00 {name}"


@pytest.mark.parametrize(
    "names",
    [
        [("l", "a -> /etc"), ("-", "a/b")],
        [("-", "./a//./b"), ("l", "a -> /etc")],
        [("l", "a -> b -> /etc"), ("-", "a -> b/c")],
        [("l", "a"), ("-", "b")],
        [("l", "a -> /etc"), ("-", "a/")],
        [("l", "a -> /etc"), ("c", "a/null")],
        [("-", "a/../../b")],
    ],
)
def test_names_that_no_tree_has(names: list[tuple[str, str]]) -> None:
    with pytest.raises(BuildError, match="was not made from a tree"):
        check_links([line(*one) for one in names], Path("it"))


def test_names_of_trees() -> None:
    names = [("d", "."), ("l", "lib -> usr/lib"), ("-", "library/x"), ("c", "dev/null"), ("-", "usr/lib/x -> y")]
    check_links([*(line(*one) for one in names), "", "12 blocks"], Path("it"))
