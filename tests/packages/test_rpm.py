"""What rpm and the managers above it say is read as they mean it."""

from pathlib import Path

import pytest

from sbkernel.packages.package import Package
from sbkernel.packages.readers.rpm import query, reasons
from sbkernel.packages.readers.rpm.reasons import Reason, Reasons


def output(*rows: tuple[str, ...]) -> str:
    return "".join("\x1f".join(row) + "\x1e" for row in rows)


BASH = ("bash", "5.1.8-9.el9", "x86_64", "7738634", "bash-5.1.8-9.el9.src.rpm", "Unspecified", "Rocky", "infra",
        "GPLv3+", "https://www.gnu.org/software/bash", "The GNU Bourne Again shell", "")  # fmt: skip


def test_every_value_finds_its_place() -> None:
    (bash,) = query.packages(output(BASH), Reasons({"bash.x86_64": Reason(True, "baseos")}))
    assert bash == Package(
        "bash", "5.1.8-9.el9", "x86_64", "rpm", 7738634, "bash", "5.1.8-9.el9", origin="baseos", licence="GPLv3+",
        explicit=True, maintainer="infra", homepage="https://www.gnu.org/software/bash",
        summary="The GNU Bourne Again shell",
    )  # fmt: skip


def test_what_a_header_lacks_is_empty() -> None:
    row = ("a", "1-1", "noarch", "", "(none)", "(none)", "(none)", "(none)", "(none)", "(none)", "(none)", "(none) ")
    assert query.packages(output(row)) == [Package("a", "1-1", "noarch", "rpm")]


def test_keys_are_no_packages() -> None:
    key = ("gpg-pubkey", "350d275d-6279464b", "(none)", "0", *["(none)"] * 8)
    assert [package.name for package in query.packages(output(key, BASH))] == ["bash"]


def test_an_epoch_is_kept_unless_it_is_zero() -> None:
    with_epoch, with_zero = (("a", evr, *BASH[2:]) for evr in ("2:1-1", "0:2-1"))
    assert [package.version for package in query.packages(output(with_epoch, with_zero))] == ["2-1", "2:1-1"]


def test_obsoletes_are_what_it_replaces() -> None:
    (package,) = query.packages(output((*BASH[:-1], "zsh ash ash bash ")))
    assert package.replaces == ("ash", "zsh")


@pytest.mark.parametrize(
    ("file", "source"),
    [("bash-5.1.8-9.el9.src.rpm", ("bash", "5.1.8-9.el9")), ("java-21-openjdk-21.0.2-1.nosrc.rpm",
     ("java-21-openjdk", "21.0.2-1")), ("", ("", "")), ("odd", ("", ""))],
)  # fmt: skip
def test_the_source_is_in_the_name_of_its_file(file: str, source: tuple[str, str]) -> None:
    assert query.source_of(file) == source


def test_dnf_5_notes_reasons_and_repositories() -> None:
    packages = (
        'version = "1.0"\n[packages]\n"a.x86_64" = {reason = "User"}\n"b.noarch" = {reason = "Weak Dependency"}\n'
    )
    packages += '"c.x86_64" = {reason = "External"}\n'
    nevras = (
        'version = "1.0"\n[nevras]\n"a-0:1-2.x86_64" = {from_repo = "fedora"}\n"d-e-1:1-2.i686" = {from_repo = "x"}\n'
    )
    found = reasons.of_states(packages, nevras)
    assert found.of("a", "x86_64") == Reason(True, "fedora")
    assert found.of("b", "noarch") == Reason(False)
    assert found.of("c", "x86_64") == Reason(None)
    assert found.of("d-e", "i686") == Reason(None, "x")
    assert found.of("a", "i686") == Reason()


def test_zypper_notes_what_came_by_itself() -> None:
    found = reasons.of_auto_installed("# written by zypp\n\nlibacl1\n")
    assert (found.of("libacl1", "x86_64").explicit, found.of("bash", "x86_64").explicit) == (False, True)


def test_broken_books_tell_nothing(tmp_path: Path) -> None:
    assert reasons.of_states("[packages", "nevras = 3") == Reasons()
    (tmp_path / "history.sqlite").write_bytes(b"no database" * 100)
    assert reasons.of_history(tmp_path / "history.sqlite") == Reasons()
