"""The order of versions is that of the real dpkg and the real rpm, on thousands of generated and real pairs."""

import random
import subprocess
import time
from pathlib import Path

import pytest

from sbkernel.errors import DefinitionError
from sbkernel.packages.readers.deb import dpkg
from sbkernel.packages.versions import compare, sort_key

PAIRS = 5200
RELATION = {-1: "lt", 0: "eq", 1: "gt"}
ASK_DPKG = 'while read -r a op b; do dpkg --compare-versions "$a" "$op" "$b" 2>/dev/null || echo "$a $op $b"; done'
# print() of rpm's Lua runs into a buffer of rpm that thousands of lines overflow.
ASK_RPM = '%{{lua: for line in io.lines("{}") do local a, b = line:match("(%S+) (%S+)")'
ASK_RPM += ' io.stdout:write(rpm.vercmp(a, b), "\\n") end}}'
REAL_RPM = """
    5.14.0-427.13.1.el9_4 5.14.0-427.20.1.el9_4 5.14.0-427.el9 6.1.0-10 6.1.0-9 2.34-100.el9_4.2 2.34-100.el9
    2.34-83.el9 1:3.0.7-27.el9 1:3.2.2-6.el9_5.1 3.2.2-6.el9_5.1 0:3.2.2-6.el9_5.1 1.0~rc1-1 1.0-1 1.0-0.rc1
    1.0^git20240101-1
    1.0^-1 1.0.1-1 1.0+git-1 32:9.16.23-18.el9_4.1 32:9.16.23-14.el9_3.4 23.11.4-1.el9 23.11.10-1.el9 4.1.5rc2-1
    4.1.5-1 2024a-1.el9 2023d-1.el9 20240318-146.2.el9 20230731-136.el9 1.8.0.412.b08-2 2:8.2.2637-20.el9_1
    2:8.2.2637-21.el9
"""


def changed(version: str, letters: str, rng: random.Random) -> str:
    """Return a version with one letter more, after its epoch."""
    place = rng.randrange(version.find(":") + 1, len(version) + 1)
    return version[:place] + rng.choice(letters) + version[place:]


def pairs(real: list[str], made: list[str], letters: str, count: int, rng: random.Random) -> list[tuple[str, str]]:
    """Return pairs of real versions, of made ones, and of versions that differ in one letter."""
    both = real + made
    kinds = (
        lambda: (rng.choice(real), rng.choice(real)),
        lambda: (rng.choice(made), rng.choice(made)),
        lambda: (one := rng.choice(both), changed(one, letters, rng)),
    )
    return [kinds[number % 3]() for number in range(count)]


def word(letters: str, longest: int, rng: random.Random) -> str:
    return "".join(rng.choice(letters) for _ in range(rng.randint(1, longest)))


def test_debian_versions_are_ordered_as_dpkg_orders_them() -> None:
    rng, letters = random.Random(7), "0019abzA.+~"
    real = [package.version for package in dpkg.installed(Path("/"))]
    made = [
        rng.choice(["", "", "1:", "0:"]) + rng.choice("019") + word(letters + "-", 6, rng).rstrip("-")
        + rng.choice(["", "-" + word(letters, 4, rng)])
        for _ in range(1500)
    ]  # fmt: skip
    asked = [(a, RELATION[compare("deb", a, b)], b) for a, b in pairs(real, made, letters, PAIRS, rng)]
    halves = [asked[::2], asked[1::2]]
    running = [
        subprocess.Popen(["sh", "-c", ASK_DPKG], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in halves
    ]
    for process, half in zip(running, halves, strict=True):
        assert process.stdin
        process.stdin.write("".join(f"{' '.join(one)}\n" for one in half))
        process.stdin.close()
    assert [process.stdout.read() for process in running if process.stdout] == ["", ""]
    assert [process.wait() for process in running] == [0, 0]


def test_rpm_versions_are_ordered_as_rpm_orders_them(tmp_path: Path) -> None:
    rng, letters = random.Random(7), "0019abzA._+~^"
    made = [
        rng.choice(["", "", "1:", "0:"]) + word(letters, 6, rng)
        + rng.choice(["-1", "-1.el9", "-" + word(letters, 4, rng)])
        for _ in range(5000)
    ]  # fmt: skip
    real = REAL_RPM.split()
    asked = pairs(real, made, letters, 10 * PAIRS, rng) + [(a, b) for a in real for b in real]
    (tmp_path / "pairs").write_text("".join(f"{a} {b}\n" for a, b in asked))
    done = subprocess.run(
        ["rpm", "--eval", ASK_RPM.format(tmp_path / "pairs")], capture_output=True, text=True, check=True
    )
    said = [int(word) for word in done.stdout.split()]
    assert len(said) == len(asked) > PAIRS
    wrong = [(a, b, right) for (a, b), right in zip(asked, said, strict=True) if compare("rpm", a, b) != right]
    assert wrong == []


def test_epochs_tildes_and_carets() -> None:
    assert compare("deb", "1:1.0", "2.0") == 1
    assert compare("deb", "0:1.0", "1.0") == 0
    assert compare("deb", "1.0~rc1", "1.0") == -1
    assert compare("rpm", "1.0^git1-1", "1.0-1") == 1
    assert compare("rpm", "1.0~rc1-1", "1.0-1") == -1


def test_versions_sort_by_a_key() -> None:
    assert sorted(["1.10-1", "1.9-1", "1:0-1"], key=sort_key("rpm")) == ["1.9-1", "1.10-1", "1:0-1"]
    assert max(["6.1.0-9", "6.1.0-10", "6.1.0-10~bpo1"], key=sort_key("deb")) == "6.1.0-10"


@pytest.mark.parametrize(
    ("family", "version"), [("deb", "1 2"), ("deb", ""), ("rpm", ""), ("rpm", "a:1-1"), ("deb", "a:1"), ("rpm", "1 2")]
)
def test_what_is_no_version_is_refused(family: str, version: str) -> None:
    with pytest.raises(DefinitionError, match=f"{version!r} is no version of a {family} package"):
        compare(family, version, "1-1")


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no package family 'apk'"):
        compare("apk", "1", "2")


def test_comparing_as_many_versions_as_a_diff_has_takes_no_time() -> None:
    asked = [(f"1:2.{n}.3-5+deb12u1", f"1:2.{n}.3-5+deb12u2") for n in range(3000)]
    started = time.monotonic()
    assert {compare(family, a, b) for a, b in asked for family in ("deb", "rpm")} == {-1}
    assert time.monotonic() - started < 20
