"""dpkg's database is read as dpkg itself reads it."""

import subprocess
from pathlib import Path

from sbkernel.packages.readers.deb.dpkg import installed, paragraphs


def test_the_packages_of_this_machine_are_those_dpkg_query_lists() -> None:
    form = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${Installed-Size}\t${source:Package}\t"
    form += "${source:Version}\t${Section}\n"
    out = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout
    asked = [line.split("\t")[1:] for line in out.splitlines() if line.startswith("installed\t")]
    read = [
        [p.name, p.version, p.arch, str(p.size_bytes // 1024), p.source, p.source_version, p.section]
        for p in installed(Path("/"))
    ]
    assert sorted(read) == sorted([*fields[:3], fields[3] or "0", *fields[4:]] for fields in asked)


def test_a_tree_without_a_database_has_no_packages(tmp_path: Path) -> None:
    assert installed(tmp_path) == []


def test_continuation_lines_are_not_fields() -> None:
    text = "Package: a\nDescription: x\n Version: 9\n\tVersion: 8\nVersion: 1\n\nPackage: b\nVersion: 2\n"
    assert list(paragraphs(text)) == [
        {"Package": "a", "Description": "x", "Version": "1"},
        {"Package": "b", "Version": "2"},
    ]
