"""xdcp through a real sshd: to nodes and from them."""

from pathlib import Path

import pytest
from fleet import Fleet, sb

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.nodes.remote.xdcp import xdcp


def test_files_go_to_nodes_and_come_back_under_the_name_of_the_node(nodes: Fleet, tmp_path: Path) -> None:
    one, other = tmp_path / "a b", tmp_path / "c'$(touch x)"
    one.write_text("one")
    other.write_text("other")
    (nodes.root / "tmp/in").mkdir()
    assert not xdcp(nodes.site, "n1", [one, other], "/tmp/in").failed
    assert nodes.text("/tmp/in/a b") == "one" and nodes.text("/tmp/in/c'$(touch x)") == "other"
    xdcp(nodes.site, "n1", [one], "/tmp/new").check()
    assert nodes.text("/tmp/new") == "one"
    (tmp_path / "here").mkdir()
    assert sb(nodes.site, "xdcp", "n1-n2", "-P", "/tmp/in/a b", str(tmp_path / "here")) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["a b._n1", "a b._n2"]
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/file").write_text("deep")
    with pytest.raises(DefinitionError, match="is a directory\n  -R copies"):
        xdcp(nodes.site, "n1", [tmp_path / "deep"], "/tmp/in")
    xdcp(nodes.site, "n1", [tmp_path / "deep"], "/tmp/in", recursive=True).check()
    assert nodes.text("/tmp/in/deep/er/file") == "deep"


def test_what_cannot_be_copied_is_said(nodes: Fleet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    nodes.site.set("node", "n4", groups="all", vmsshport="1")
    done = xdcp(nodes.site, "n1,n4", [tmp_path / "file"], "/nowhere/at/all")
    assert "No such file or directory" in done["n1"].output, "what scp says"
    assert done["n1"].error == "scp ended with exit status 1"
    assert "Connection refused" in done["n4"].error
    for sources, target, options, error in (
        ([tmp_path / "none"], "/tmp", {}, NotFoundError),
        (["file"], "/tmp", {}, DefinitionError),
        ([tmp_path / "file"], "tmp", {}, DefinitionError),
        ([], "/tmp", {}, DefinitionError),
        (["/etc/a", "/etc/b"], tmp_path, {"pull": True}, DefinitionError),
        (["/etc/a"], tmp_path / "none", {"pull": True}, NotFoundError),
    ):
        with pytest.raises(error):
            xdcp(nodes.site, "n1", sources, target, **options)
