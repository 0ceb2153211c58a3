"""Policies: what a diff may not do, said with the rows; and files that say it wrongly, with the line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty

from sbkernel.errors import DefinitionError, ListFileError, NotFoundError, PolicyError
from sbkernel.packages.diff import policyfile
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.packages.diff.policy import GrowthLimit, Policy
from sbkernel.packages.diff.policyfile import parse
from sbkernel.packages.manifest import manifest
from sbkernel.packages.package import Package
from sbkernel.workbench.displays import html_of

MB = 1_000_000


def change(a: str, b: str, size: int = MB) -> Diff:
    """Return the diff of two sides of name=version words; the new side weighs `size` a package."""
    sides = [[Package(*word.split("="), "amd64", "deb", size_bytes=one) for word in words.split()]
             for words, one in ((a, MB), (b, size))]  # fmt: skip
    return diff(manifest(sides[0], name="img@1"), manifest(sides[1], name="img@2"))


@pytest.mark.parametrize(
    ("rules", "a", "b", "broken"),
    [
        ("removed: forbid", "x=1 y=1", "x=2", ["removed: forbid: 1 package\n    y 1"]),
        ("removed: forbid", "x=1", "x=2 y=1", []),
        ("removed: allow", "x=1", "y=1", []),
        ("downgraded: forbid", "x=2", "x=1", ["downgraded: forbid: 1 package\n    x 2 -> 1"]),
        ("downgraded: forbid", "x=1:1", "x=2", ["downgraded: forbid: 1 package\n    x 1:1 -> 2"]),
        ("added: forbid", "x=1", "x=1 y=1", ["added: forbid: 1 package\n    y 1"]),
        ("attention: [glibc]", "libc6=1", "libc6=2", ["attention: glibc: glibc may not move\n    libc6 1 -> 2"]),
        ("attention: [glibc]", "libc6=1", "x=2",
         ["attention: glibc: glibc may not move\n    libc6 1 (removed)"]),
        ("attention: all", "libc6=1 slurmd=1", "libc6=2 slurmd=2",
         ["attention: glibc: glibc may not move\n    libc6 1 -> 2",
          "attention: slurm: slurm may not move\n    slurmd 1 -> 2"]),
        ("attention: kernel", "libc6=1", "libc6=2", []),
        ("required: [x, 'slurm*']", "x=1 slurmd=1", "y=1",
         ["required: x: img@2 has none\n    x 1 (removed)",
          "required: slurm*: img@2 has none\n    slurmd 1 (removed)"]),
        ("required: [never]", "x=1", "x=1", ["required: never: img@2 has none"]),
        ("required: ['slurm*']", "", "slurmd=1", []),
        ("forbidden: [telnet*]", "telnetd=1", "telnetd=1", ["forbidden: telnet*: img@2 has telnetd"]),
        ("forbidden: [telnet*]", "telnetd=1", "x=1", []),
        ("removed: forbid\nexempt: [linux-*]", "linux-image-1=1 x=1", "x=1", []),
        ("attention: all\nexempt: [libc6]", "libc6=1", "libc6=2", []),
        ("", "x=2", "y=1", []),
    ],
)  # fmt: skip
def test_rules(rules: str, a: str, b: str, broken: list[str]) -> None:
    verdict = parse(rules).check(change(a, b))
    assert [str(one) for one in verdict.violations] == broken
    assert verdict.allowed == (not broken)


@pytest.mark.parametrize(
    ("rule", "size", "broken"),
    [
        ("5 %", 1_050_000, False), ("5%", 1_050_001, True), ("0 %", MB, False), ("0 %", MB - 5, False),
        ("50 kB", 1_050_000, False), ("50 kB", 1_050_001, True), ("0.05 MB", 1_060_000, True), ("0 B", MB + 1, True),
    ],
)  # fmt: skip
def test_growth(rule: str, size: int, broken: bool) -> None:
    verdict = parse(f"growth: {rule}").check(change("x=1", "x=2", size))
    assert verdict.allowed != broken
    if broken:
        assert str(verdict.violations[0]).startswith(f"growth: {parse(f'growth: {rule}').growth}: grew by +")
        assert [str(row) for row in verdict.violations[0].rows] == ["x 1 -> 2"]


def test_growth_of_what_nobody_knows_is_no_licence_to_grow() -> None:
    found = diff(manifest([Package("x", "", "")]), manifest([Package("x", "1", "all", size_bytes=5)]))
    assert not parse("growth: 5 %").check(found).allowed


def test_what_cannot_be_ordered_might_be_a_downgrade() -> None:
    odd, new = (manifest([Package("x", version, "amd64", "deb")]) for version in ("not one", "2"))
    verdict = parse("downgraded: forbid").check(diff(odd, new))
    assert [str(one) for one in verdict.violations] == ["downgraded: forbid: 1 package\n    x not one -> 2 (changed)"]


def test_replacing_is_not_removing() -> None:
    old = Package("libssl1.1", "1.1.1n", "amd64", "deb", source="openssl", source_version="1.1.1n")
    new = Package("libssl3", "3.0.9", "amd64", "deb", source="openssl", source_version="3.0.9")
    forth, back = diff(manifest([old]), manifest([new])), diff(manifest([new]), manifest([old]))
    assert parse("removed: forbid\ndowngraded: forbid").check(forth).allowed
    assert not parse("replaced: forbid").check(forth).allowed
    assert not parse("downgraded: forbid").check(back).allowed, "an older source under another name is a downgrade"


def test_the_verdict_names_everything_and_raises() -> None:
    verdict = parse("removed: forbid\ndowngraded: forbid", "p.yaml").check(change("x=2 y=1", "x=1"))
    with pytest.raises(PolicyError) as caught:
        verdict.enforce()
    assert str(caught.value).splitlines() == [
        "img@1 -> img@2 breaks the policy p.yaml:",
        "  removed: forbid: 1 package",
        "      y 1",
        "  downgraded: forbid: 1 package",
        "      x 2 -> 1",
        "  change the image, or the rules in p.yaml",
    ]
    allowed = parse("removed: forbid", "p.yaml").check(change("x=1", "x=2"))
    assert allowed.enforce() is allowed
    assert str(allowed) == "img@1 -> img@2 keeps the policy p.yaml"
    assert json.loads(json.dumps(verdict.as_dict()))["violations"][0]["rows"] == ["y 1"]
    assert pretty(verdict) == str(verdict)
    shown = html_of(verdict)
    assert "refused" in shown and "y 1" in shown and "<style" not in shown


def test_a_file_with_everything() -> None:
    text = (
        "removed: forbid\ngrowth: 1.5 %\nattention: kernel slurm\nrequired:\n  - munge\nexempt: [a, b]\nadded: allow\n"
    )
    assert parse(text) == Policy(
        ("removed",), GrowthLimit(percent=1.5), attention=("kernel", "slurm"), required=("munge",), exempt=("a", "b")
    )
    assert parse("") == parse("# nothing\n") == Policy()
    assert parse("growth: 2 GB").growth == GrowthLimit(size_bytes=2e9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("removd: forbid", "p:1: a policy has no rule 'removd'\n  did you mean removed"),
        ("removed: forbid\nzzz: 1", "p:2: a policy has no rule 'zzz'\n  the rules are: removed, "),
        ("removed: nothing", "p:1: removed: 'nothing' is neither allow nor forbid"),
        ("removed: [forbid]", "p:1: removed is not a single value"),
        ("growth: lots", "p:1: growth: 'lots' is neither a percentage nor a size\n  5 % or 200 MB"),
        ("growth: -5 %", "p:1: growth: '-5 %' is neither"),
        ("required: [a, [b]]", "p:1: required is not a single value"),
        ("forbidden: *telnet", "p:1: not YAML: found undefined alias"),
        ("- removed", "p:1: a policy is not a mapping"),
        ("removed: forbid\nremoved: allow", "p:2: a policy has removed twice"),
        ("a: [", "p:1: not YAML"),
    ],
)
def test_wrong_files_say_where(text: str, message: str) -> None:
    with pytest.raises(ListFileError) as caught:
        parse(text, "p")
    assert str(caught.value).startswith(message)


def test_a_group_that_is_not_there_is_refused_not_ignored() -> None:
    with pytest.raises(DefinitionError, match=r"p: no attention group 'kernal'\n  the groups are kernel, glibc, "):
        parse("attention: [kernal]", "p").check(change("x=1", "x=1"))


def test_files(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("removed: forbid\n")
    assert policyfile.load(tmp_path / "p.yaml").file == str(tmp_path / "p.yaml")
    with pytest.raises(NotFoundError, match=r"cannot read the policy .*none: No such file"):
        policyfile.load(tmp_path / "none")


@given(st.text(alphabet="removed: forbid\n[]{}#*&%5gowthMB-'\"\t", max_size=60))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    try:
        parse(text)
    except ListFileError as error:
        assert error.message.startswith("policy:")
