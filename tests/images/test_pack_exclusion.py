"""Exclude patterns mean what find -path means by them, and one walk leaves out what they say."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import until

from sbkernel.images.pack.exclusion import Exclusion, regex
from sbkernel.images.pack.packlist import look, mounts_below, pack_list

NAMES = st.lists(st.text("ab.-]é", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(
    st.sampled_from(["a", "b", ".", "/", "*", "?", "[ab]", "[!a]", "[^b]", "[a-", "[a-b]", "[]a]", "[b-a]", "[", "]",
                     "\\*", "\\a", "[[:alpha:]]", "[![:punct:]]", "[\\]a]", "B", "-", "/*", "./"]),
    min_size=1, max_size=6,
).map("".join)  # fmt: skip


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("forest")
    for name in ["a", "b", ".a", "a-b", "]", "B", "-", "*"]:
        for below in ["a/b/a", "b/.a", "]/a", "B/b", "*x", "-/-"]:
            (root / name / below).parent.mkdir(parents=True, exist_ok=True)
            (root / name / below).touch()
    return root


def found(root: Path, *expression: str) -> set[str]:
    done = subprocess.run(["find", ".", *expression, "-print0"], cwd=root, capture_output=True, check=True,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"})  # fmt: skip
    return {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}


@settings(max_examples=50)
@given(pattern=PATTERNS)
def test_a_pattern_matches_what_find_matches(forest: Path, pattern: str) -> None:
    if pattern.endswith("/"):
        return
    for whole in (f"./{pattern}", f"./{pattern}*", pattern):
        compiled = re.compile(regex(whole), re.DOTALL)
        assert {path for path in found(forest) if compiled.fullmatch(path)} == found(forest, "-path", whole), whole


@settings(max_examples=50)
@given(
    exclude=st.lists(PATTERNS.map("./{}".format), max_size=4), include=st.lists(PATTERNS.map("./{}".format), max_size=3)
)
def test_a_list_leaves_what_xcat_would_pack_and_the_parents_of_it(
    forest: Path, exclude: list[str], include: list[str]
) -> None:
    exclude = [pattern for pattern in exclude if not pattern.endswith("/")]
    include = [pattern for pattern in include if not pattern.endswith("/")]
    listed = found(forest, *[word for pattern in exclude for word in ("!", "-path", pattern)])
    for pattern in include:
        listed |= found(forest, "-path", pattern)
    parents = {str(parent) for path in listed for parent in Path(path).parents}
    stays = {os.path.normpath(path) for path in listed | parents | {"."}}
    walked = pack_list(str(forest), exclude, include)
    left = {os.path.normpath(path) for path in found(forest)}
    left -= {path for path in left for top in walked.excluded if path == top or path.startswith(top + "/")}
    assert left == stays == {os.path.normpath(path) for path in walked.kept}


def test_xcat_bookkeeping_is_always_left_out() -> None:
    keep = Exclusion([], []).keeps
    assert not keep("./.statelite/x") and not keep("./.default") and not keep("./etc/init.d/statelite")
    assert keep("./etc") and keep("./usr/.statelite")


def test_only_topmost_paths_are_listed(tmp_path: Path) -> None:
    (tmp_path / "usr/share/doc/deep/er").mkdir(parents=True)
    (tmp_path / "usr/share/keep").touch()
    assert pack_list(str(tmp_path), ["./usr/share/doc*"], []).excluded == ("usr/share/doc",)


def fingerprint(tree: Path, *exclude: str) -> str:
    return look(str(tree), pack_list(str(tree), list(exclude), []).kept).fingerprint


@pytest.mark.parametrize("change", ["touch", "chmod", "write", "rename", "remove"])
def test_the_fingerprint_sees_hand_edits(tmp_path: Path, change: str) -> None:
    file = tmp_path / "etc/motd"
    file.parent.mkdir()
    file.write_text("hello")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    match change:
        case "touch":
            os.utime(file, (1, 1))
        case "chmod":
            file.chmod(0o600)
        case "write":
            file.write_text("hello you")
        case "rename":
            file.rename(tmp_path / "etc/issue")
        case "remove":
            file.unlink()
    assert fingerprint(tmp_path) != before


def test_a_change_in_what_is_left_out_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "tmp/x").mkdir(parents=True)
    before = fingerprint(tmp_path, "./tmp/*")
    (tmp_path / "tmp/x/y").touch()
    assert fingerprint(tmp_path, "./tmp/*") == before


def later_than(changed_ns: int, tree: Path) -> None:
    """Wait until a change gets a later time: the clock of a file system moves a few milliseconds at a time."""
    with tempfile.NamedTemporaryFile(dir=tree.parent) as clock:

        def now_ns() -> int:
            os.utime(clock.name)
            return Path(clock.name).stat().st_ctime_ns

        until(lambda: now_ns() > changed_ns, every_s=0.001)


def test_a_look_tells_the_last_change_whatever_was_changed(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("motd", "issue"):
        (tmp_path / "etc" / name).write_text("hello")
    kept = pack_list(str(tmp_path), [], []).kept
    before = look(str(tmp_path), kept)
    later_than(before.changed_ns, tmp_path)
    (tmp_path / "etc/motd").write_text("world")
    os.utime(tmp_path / "etc/motd", (1, 1))
    after = look(str(tmp_path), kept)
    assert after.changed_ns > before.changed_ns
    later_than(after.changed_ns, tmp_path)
    (tmp_path / "etc/issue").unlink()
    assert look(str(tmp_path), kept).changed_ns > after.changed_ns, "the directory tells what it lost"


def test_mounted_file_systems_stay_as_empty_directories(tmp_path: Path) -> None:
    script = """
        mkdir -p proc bind other with\\ space && echo secret > other/file && : > kept
        mount -t tmpfs none proc && : > proc/1
        mount --bind other bind; mount --bind other 'with space'
        exec "$@"
    """
    code = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
    code += "from sbkernel.images.pack.packlist import pack_list; print(*pack_list('.', [], []).excluded, sep='\\n')"
    home = str(Path(__file__).resolve().parents[2])
    python = shutil.which("python3") or "python3"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", python, "-c", code, home],
                          cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    assert sorted(done.stdout.splitlines()) == ["bind/file", "proc/1", "with space/file"]


def test_mounts_are_read_from_mountinfo(tmp_path: Path) -> None:
    text = f"1 2 0:3 / {tmp_path}/a\\040b rw - tmpfs none rw\n1 2 0:3 / {tmp_path} rw - tmpfs none rw\n"
    text += f"1 2 0:3 / {tmp_path}beside rw - tmpfs none rw\n"
    assert mounts_below(tmp_path, text) == {"./a b"}
