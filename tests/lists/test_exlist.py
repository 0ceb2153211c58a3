"""exlist: patterns as find -path matches them; includes win."""

import fnmatch
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import resources
from sbkernel.errors import ListFileError
from sbkernel.lists import exlist
from sbkernel.lists.exlist import Exlist


def test_excludes_includes_and_comments() -> None:
    parsed = exlist.parse("./boot*   # kernel\n-./usr/share/man*\n+./usr/share/man/man8*\n\n# note\n./boot*\n")
    assert parsed == Exlist(("./boot*", "./usr/share/man*"), ("./usr/share/man/man8*",))


def test_matcher_agrees_with_find(tmp_path: Path) -> None:
    for name in (
        "usr/share/doc/bash/x",
        "usr/share/docs",
        "usr/lib/a.so",
        "boot/vmlinuz",
        "tmp/a[1]",
        "usr/share/doc/keep",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    listed = Exlist(("./usr/share/doc*", "./boot*", "./t?p/*", "./usr/lib/[a-c].so"), ("./usr/share/doc/k*",))
    arguments = [word for pattern in listed.exclude for word in ("-o", "-path", pattern)][1:]
    command = ["find", ".", "(", *arguments, ")", "!", "-path", listed.include[0]]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    every = subprocess.run(["find", "."], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(filter(listed.matcher(), every)) == sorted(found)
    assert "./usr/share/doc/keep" not in found


def test_statelite_files_are_always_left_out() -> None:
    assert Exlist().matcher()("./.statelite/x")
    assert not Exlist().matcher()("./etc/passwd")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("/boot*", "./boot*"), ("./boot\nusr/share", "./usr/share"), ("./usr/", "./usr*"), (".statex", "./statex")],
)
def test_patterns_that_match_nothing_are_errors_with_a_remedy(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(ListFileError) as caught:
        exlist.load([tmp_path / "a"])
    assert str(caught.value).startswith(f"{tmp_path / 'a'}:{text.count(chr(10)) + 1}: ")
    assert hint in (caught.value.hint or "")


PATTERNS = st.from_regex(r"\./[a-z0-9*?./_-]{0,12}[a-z*?_-]", fullmatch=True)


@given(st.lists(PATTERNS, unique=True), st.lists(PATTERNS, unique=True))
def test_rendered_lists_parse_to_the_same(exclude: list[str], include: list[str]) -> None:
    listed = Exlist(tuple(exclude), tuple(include))
    assert exlist.parse(exlist.render(listed)) == listed


@given(st.text())
def test_any_text_parses_or_names_its_line(text: str) -> None:
    try:
        exlist.parse(text, "any").matcher()("./usr")
    except ListFileError as error:
        assert 1 <= error.line <= text.count("\n") + 1


@pytest.mark.parametrize("role", ["compute", "service"])
def test_shipped_lists_are_clean_and_keep_what_boots(role: str) -> None:
    file = resources.templates() / "netboot" / "debian" / f"{role}.debian12.x86_64.exlist"
    loaded = exlist.load([file])
    assert file.read_text().startswith("# Read by ")
    assert loaded.warnings == ()
    assert any(fnmatch.fnmatch("./usr/share/man/man1/ls.1.gz", pattern) for pattern in loaded.exclude)
    left_out = loaded.matcher()
    modules = "./usr/lib/modules/6.1.0-1-amd64/kernel"
    kept = ["fs/overlayfs/overlay.ko", "drivers/net/virtio_net.ko", "drivers/infiniband/core/ib_core.ko",
            "fs/nfs/nfs.ko", "drivers/gpu/drm/ast/ast.ko",
            "drivers/net/ethernet/intel/igb/igb.ko", "net/sunrpc/sunrpc.ko"]  # fmt: skip
    assert not [name for name in kept if left_out(f"{modules}/{name}")]
    assert left_out(f"{modules}/sound/core/snd.ko")
    assert left_out("./boot")
    assert not left_out("./usr/bin/bash")
