"""What dpkg, apt and the copyright files tell about a package, and what a machine-readable one says of its licence."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.packages import release, treefile
from sbkernel.packages.readers.deb import aptlists, copyrights, dpkg
from sbkernel.packages.readers.deb.dpkg import Known
from sbkernel.packages.readers.reader import Origin
from sbkernel.packages.release import Release

STATUS = """\
Package: libc6
Status: install ok installed
Essential: yes
Architecture: amd64
Version: 2.36-9
Depends: libgcc-s1 (>= 1) | other, gcc-12-base

Package: gcc-12-base
Status: install ok triggers-pending
Architecture: amd64
Version: 12
Multi-Arch: same

Package: gcc-12-base
Status: install ok installed
Architecture: i386
Version: 12

Package: tmux
Status: install ok half-configured
Architecture: amd64
Version: 3.3a-3
Replaces: screen (<< 2), tmux, docs
Conflicts: screen
Breaks: tmux

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: half
Status: install ok half-installed
Architecture: amd64

Package: docs
Status: install ok installed
Architecture: all
Version: 1
"""


def test_states_that_are_not_whole_are_told() -> None:
    packages, warnings = dpkg.packages(STATUS)
    assert [f"{p.name}:{p.arch}" for p in packages] == [
        "docs:all", "gcc-12-base:amd64", "gcc-12-base:i386", "libc6:amd64", "tmux:amd64",
    ]  # fmt: skip
    assert warnings == ["tmux is half-configured", "half is half-installed"]
    assert {package.explicit for package in packages} == {None}


def test_who_asked_for_it_as_apt_and_the_package_list_tell() -> None:
    auto = dpkg.auto_installed(
        "Package: docs\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: tmux\nAuto-Installed: 0\n"
    )
    explicit = {p.name: p.explicit for p in dpkg.packages(STATUS, Known(auto=auto))[0]}
    assert explicit == {"docs": False, "gcc-12-base": False, "libc6": False, "tmux": True}
    explicit = {p.name: p.explicit for p in dpkg.packages(STATUS, Known(auto=auto, asked=frozenset({"docs"})))[0]}
    assert [name for name, asked in explicit.items() if asked] == ["docs"]


def test_replaced_is_what_it_also_conflicts_with() -> None:
    assert dpkg.packages(STATUS)[0][-1].replaces == ("screen",)


def test_dpkg_query_and_the_status_file_tell_the_same() -> None:
    asked = subprocess.run(["dpkg-query", "-W", "-f", dpkg.QUERY], capture_output=True, text=True, check=True).stdout
    assert dpkg.packages(asked) == dpkg.packages(Path("/", dpkg.STATUS).read_text())


COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x

Files: *
Copyright: somebody
License: GPL-2+ or Artistic
 License: Not-this
 .
 On Debian systems

Files: debian/*
License: Expat, and GPL-2+

License: GPL-2+
 text
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COPYRIGHT, "Expat AND GPL-2+ AND (GPL-2+ OR Artistic)"),
        (COPYRIGHT.replace("Format", "Comment"), ""),
        ("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-3+\n", "GPL-3+"),
        ("This package was debianised by\n\nLicense: see below\n", ""),
        ("", ""),
        (
            "Format-Specification: http://svn.debian.org/dep5.mdwn?rev=59\n\nFiles: *\nLicense: MIT\n",
            "MIT",
        ),
    ],
)
def test_the_licence_of_a_copyright_file(text: str, said: str) -> None:
    assert copyrights.licence(text) == said


def test_grep_on_a_node_tells_what_the_files_tell(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "copyright").write_text(COPYRIGHT.replace("Artistic", f"Artistic-{name}"))
    (tmp_path / "c").symlink_to("a")
    line = f"grep -HE '{copyrights.LINES}' ./*/copyright"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert copyrights.of_grep(done.stdout) == copyrights.of_tree(tmp_path)
    assert copyrights.of_tree(tmp_path)["c"] == "Expat AND GPL-2+ AND (GPL-2+ OR Artistic-a)"


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "doc").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/copyright").write_text(COPYRIGHT)
    (tmp_path / "doc/x").symlink_to(tmp_path / "outside")
    assert copyrights.of_tree(tmp_path / "doc") == {}


@given(st.text())
def test_any_text_has_a_licence_or_none(text: str) -> None:
    assert isinstance(copyrights.licence(text), str)


def test_lists_tell_repository_and_sum() -> None:
    text = "Package: a\nVersion: 1:2\nArchitecture: all\nSHA256: abc\nDescription: x\n\nPackage: b\nVersion: 1\n\n"
    name = "deb.example.org_debian-security_dists_bookworm-security_updates_main_binary-amd64_Packages.lz4"
    where = "deb.example.org/debian-security bookworm-security/updates/main"
    assert aptlists.origins([(name, text), ("other_Packages", text)], {"a=1:2:all"}) == {
        "a=1:2:all": Origin(where, "abc")
    }
    assert aptlists.repository("_srv_own_._Packages") == "srv/own/."


def test_files_of_a_tree_are_found_within_it(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "usr/lib/os-release").write_text(
        'ID=rocky\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n#x=1\n'
    )
    for link, target in {"rel": "../usr/lib/os-release", "abs": "/usr/lib/os-release", "up": "../../../../usr/lib",
                         "loop": "loop", "out": "/etc/hostname", "dangling": "nothing"}.items():  # fmt: skip
        (tmp_path / "etc" / link).symlink_to(target)
    for name in ("etc/rel", "etc/abs", "/etc/abs", "etc/up/os-release"):
        assert treefile.find(tmp_path, name) == tmp_path / "usr/lib/os-release", name
    for name in ("etc/loop", "etc/out", "etc/dangling", "etc/none"):
        assert treefile.find(tmp_path, name) is None, name
    assert release.parse(treefile.read(tmp_path, "etc/rel") or "") == Release(
        "rocky", "9.4", "Rocky Linux 9.4 (Blue Onyx)"
    )
    assert release.parse('ID="unclosed\nVERSION_ID=1').short == '"unclosed-1'
    assert treefile.read(tmp_path, "etc") is None
