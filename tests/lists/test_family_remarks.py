"""What the kinds of packages say of the same lists: groups, patterns, modules, removals, names of others."""

import pytest

from sbkernel.images.families.package_manager import Request
from sbkernel.images.tree.lint import remarks
from sbkernel.lists import otherpkglist, pkglist


def said(osvers: str, text: str, other: str = "") -> list[str]:
    request = Request(
        {"osvers": osvers, "osarch": "x86_64"}, pkglist.parse(text, "p"), otherpkglist.parse(other, "o")
    )  # fmt: skip
    return [
        f"{one.file}:{one.line}:{one.column}: {one.severity}: {one.message} / {one.remedy}" for one in remarks(request)
    ]


@pytest.mark.parametrize("osvers", ["rocky9.4", "fedora41", "sles15.6", "debian12", "ubuntu24.04"])
def test_plain_names_are_fine_everywhere(osvers: str) -> None:
    assert (
        said(osvers, "bash\nvim,tmux\nlibstdc++6\n#NEW_INSTALL_LIST#\nown=1.2-3\n", "site/own\n-old\n--older\n") == []
    )


@pytest.mark.parametrize(
    ("osvers", "text", "says"),
    [
        ("rocky9.4", "pattern:base", "error: 'pattern:base': dnf knows no patterns / Write @base, if there is a group"),
        ("fedora41", "@nodejs:18", "error: '@nodejs:18' is the stream of a module, and this release has no modules"),
        ("sles15.6", "@^tools", "error: '@^tools': zypper knows no environments / Write @PATTERN"),
        ("leap15.6", "@nodejs:18", "error: '@nodejs:18': zypper knows no modules / Name the packages."),
        ("rocky9.4", "@ X Tools", "warning: '@ X Tools': only kickstart files have a blank there, xCAT looks for a"),
        ("rocky9.4", "@^ X Tools", "/ Write @X Tools"),
        ("rocky9.4", "-vim", "info: -vim keeps vim out of the image; xCAT's genimage ignores the line / Nothing has"),
        ("debian12", "@tools", "error: '@tools' is not a package name of Debian / apt knows no groups"),
        ("debian12", "pattern:base", "error: 'pattern:base' is not a package name of Debian / apt knows no patterns"),
        ("debian12", "libvirt_x.x86_64", "error: 'libvirt_x.x86_64' is not a package name of Debian / Correct"),
        ("debian12", "libvirt.x86_64", "error: 'libvirt.x86_64' is not a package name of Debian / Write libvirt:amd64"),
        ("debian12", "perl-DBD-Pg", "error: 'perl-DBD-Pg' is not a package name of Debian / Debian's names have no"),
        ("debian12", "ab\n--vim", "p:2:1: warning: --vim removes nothing: xCAT never removes packages from a"),
        ("ubuntu24.04", "-Vim", "p:1:1: warning: -Vim removes nothing"),
    ],
)
def test_what_a_family_does_not_have_is_said(osvers: str, text: str, says: str) -> None:
    (found,) = said(osvers, text)
    assert says in found


@pytest.mark.parametrize("text", ["@core", "@^minimal-environment", "@nodejs:18", "glibc.i686", "@Development Tools"])
def test_what_dnf_takes_is_fine(text: str) -> None:
    assert said("rocky9.4", text) == []


def test_patterns_are_fine_for_zypper() -> None:
    assert said("sles15.6", "pattern:base\n@minimal_base\n") == []


@pytest.mark.parametrize("osvers", ["rocky9.4", "sles15.6", "debian12"])
def test_what_one_list_asks_for_and_another_keeps_out(osvers: str) -> None:
    assert said(osvers, "perl-doc\nvim\n", "-perl-*\nsite/own\n") == [
        "p:1:1: warning: perl-doc stays out: o:1 removes it / Remove one of the two lines."
    ]
    assert said(osvers, "bash\n", "site/own\n--own\n") == [
        "o:1:1: warning: own stays out: o:2 removes it / Remove one of the two lines."
    ]
    assert said(osvers, "vim\n", "-vim\nsite/vim\n") == [], "another build of the package"
    assert len(said(osvers, "vim\n-vim\n")) == (1 if osvers == "debian12" else 2)


def test_an_unknown_distribution_is_not_remarked_on() -> None:
    assert said("plan9", "@x\n-y\n") == []


def test_lists_for_an_installer_have_its_rules() -> None:
    attributes = {"osvers": "rocky9.4", "osarch": "x86_64", "provmethod": "install"}
    assert list(remarks(Request(attributes, pkglist.parse("@ X Window System\n-vim\n")))) == []
