"""updatenode -P and -S on nodes behind a real sshd: each script its log, its exit status and its environment."""

from pathlib import Path

import pytest
from fleet import Fleet, sb

from sbkernel.definitions.attributes import SITE
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.nodes.remote.updatenode import updatenode
from sbkernel.site import Site


@pytest.fixture
def shelf(site: Site) -> Path:
    directory = site.installdir / "postscripts"
    directory.mkdir()
    texts = {
        "good": '#!/bin/sh\n. ./lib.sh\nshown "$NODE" "$UPDATENODE" "$OSVER" "$DOMAIN" "$TUNE" "$@"\n',
        "bad": "echo 'it cannot' >&2\nexit 3\n",
        "lib.sh": "shown() { printf '<%s>' \"$@\"; echo; }\n",
        "daemon": "sleep 600 &\necho $! >/tmp/daemon\n",
        "slow": "sleep 60\n",
        "closed": "echo a secret script\n",
    }
    for name, text in texts.items():
        (directory / name).write_text(text)
    (directory / "closed").chmod(0o600)
    site.set("site", SITE, domain="lab", master="10.0.0.1")
    site.set("osimage", "img", imagetype="linux", osvers="debian12", osarch="x86_64", environvar="TUNE=a b")
    return directory


def test_scripts_run_with_their_environment_and_one_result_each(nodes: Fleet, shelf: Path) -> None:
    site = nodes.site
    for name in ("n1", "n2"):
        site.set(
            "node",
            name,
            provmethod="img",
            postscripts="good 'x $(touch",
            postbootscripts="bad,good" if name == "n2" else "",
        )
    done = updatenode(site, "n1-n3", scripts="", fanout=1)  # they share a root
    assert {node: one.ok for node, one in done.items()} == {"n1": True, "n2": False, "n3": True}
    assert done["n1"].output.splitlines() == [
        "postscript start..: good", "<n1><1><debian12><lab><a b><'x><$(touch>",
        "postscript end....: good exited with code 0",
    ]  # fmt: skip
    assert done["n2"].error == "scripts failed: bad (3)" and "it cannot" in done["n2"].output
    assert [(one.script, one.status) for one in done["n2"].scripts] == [("good", 0), ("bad", 3), ("good", 0)]
    assert done["n3"].scripts == (), "it has none"
    frame = done.scripts()
    assert frame[frame.node == "n2"].status.tolist() == [0, 3, 0]
    assert nodes.text("/var/log/xcat/bad.log") == "it cannot\n"
    statuses = {name: site.nodes[name].get("updatestatus") for name in done}
    assert statuses == {"n1": "synced", "n2": "failed", "n3": "synced"}
    with pytest.raises(NodeError, match="n2: scripts failed"):
        done.check()


def test_the_command_line_says_what_xcat_says(nodes: Fleet, shelf: Path) -> None:
    status, out, err = sb(nodes.site, "updatenode", "n1", "-P", "good 1,closed")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "Running of postscripts has completed."
    assert "n1: postscript end....: closed exited with code 0" in out, "what goes over ssh may be closed here"
    nodes.site.set("node", "n1", postscripts="good of-the-node")
    for words in (["-P"], ["-P", "*"]):
        assert "of-the-node" in sb(nodes.site, "updatenode", "n1", *words)[1]
    nodes.site.set("node", "n1", postscripts="")
    status, out, err = sb(nodes.site, "updatenode", "n1", "bad")
    assert status == 1 and err.endswith("Error: scripts failed: bad (3)\n")
    for words, why in (
        (["-P", "syncfiles"], "syncfiles cannot be run by -P\n  sb updatenode NODERANGE -F"),
        (["-P", "syslog"], "nothing to run for syslog"),
        (["-P", "none"], "none does NOT exist in .*\n  there are: bad closed"),
        (["-P", "../bad"], "is no name of a postscript"),
        (["-k"], "-k is refused: nodes get their keys"),
        (["-f"], "-f is refused: there are no service nodes"),
        (["-P", "-S", "rpm_flags=x"], "rpm_flags=x is refused: it is about AIX"),
    ):
        with pytest.raises(DefinitionError, match=why):
            sb(nodes.site, "updatenode", "n1", *words)


def test_what_a_script_leaves_running_holds_nobody_up_and_a_slow_one_is_given_up(nodes: Fleet, shelf: Path) -> None:
    assert updatenode(nodes.site, "n1", scripts="daemon")["n1"].ok
    assert nodes.text("/tmp/daemon").strip().isdigit()
    assert updatenode(nodes.site, "n1", scripts="good")["n1"].ok, "its lock is not held either"
    nodes.site.set("node", "n4", groups="all", vmsshport="1")
    done = updatenode(nodes.site, "n1,n4", scripts="slow", timeout_s=1.5)
    assert done["n1"].error == "it wrote nothing for 1.5 s, and was ended here"
    assert done["n4"].error == "it does not answer, so nothing was sent"


def test_a_node_without_a_package_manager_says_so(nodes: Fleet, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("vim\n")
    nodes.site.set("osimage", "img", pkglist=str(tmp_path / "list"))
    nodes.site.set("node", "n1", provmethod="img")
    status, out, err = sb(nodes.site, "updatenode", "n1", "-S")
    assert status == 1 and "n1: this node has no package manager" in out.splitlines()
    assert err.endswith("Error: scripts failed: ospkgs (1)\n")
