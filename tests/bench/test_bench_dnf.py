"""The peer of rpm images: dnf alone fills a tree, and finds a full one unchanged."""

from pathlib import Path

from rpmbase import BASE, make_base
from rpms import make_repository, make_rpm

from sbkernel.bench.peers import dnf


def test_dnf_alone_installs_what_is_asked_and_nothing_weakly_wanted(tmp_path: Path) -> None:
    repository, tree = tmp_path / "repository", tmp_path / "scratch/tree"
    make_base(repository)
    make_rpm(repository, "editor", "2:1.5-3", more=f"Requires: {BASE}\nRecommends: dictionary")
    make_rpm(repository, "dictionary")
    make_repository(repository)
    dnf.install(repository, "9", ["editor"], tree, tmp_path / "scratch")
    first = dnf.installed(tree)
    assert first == {BASE: "1.0-1", "editor": "2:1.5-3"}
    dnf.install(repository, "9", ["editor"], tree, tmp_path / "scratch")
    assert dnf.installed(tree) == first
