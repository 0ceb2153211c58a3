"""xdsh on nodes behind a real sshd, and on very many that are pretended: one outcome a node, whatever they do."""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from fleet import Fleet, pretend_ssh, sb
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

from sbkernel.definitions.attributes import SITE
from sbkernel.errors import DefinitionError, NodeError, NotFoundError
from sbkernel.nodes.remote import fanned
from sbkernel.nodes.remote import xdsh as module
from sbkernel.nodes.remote.outcomes import Said
from sbkernel.nodes.remote.xdsh import xdsh, xdsh_each
from sbkernel.site import Site


def test_each_node_answers_under_its_name(nodes: Fleet) -> None:
    done = xdsh(nodes.site, "n1-n3", "echo $NODE; echo 'a  b' >&2; exit ${NODE#n}", fanout=2)
    assert list(done) == ["n1", "n2", "n3"]
    assert {node: one.status for node, one in done.items()} == {"n1": 1, "n2": 2, "n3": 3}
    assert sorted(done["n2"].output.splitlines()) == ["a  b", "n2"]
    with pytest.raises(NodeError, match="n1: the command ended with exit status 1, and 2 more failed"):
        done.check()
    frame = xdsh(nodes.site, ["n2"], "true").check().frame()
    assert frame[["node", "ok", "status"]].values.tolist() == [["n2", True, 0]]


def test_the_command_line_prints_as_xcat_does(nodes: Fleet) -> None:
    status, out, err = sb(nodes.site, "xdsh", "n1,n2", "-z", "echo", "hello;", "test $NODE = n1")
    assert status == 1
    assert sorted(out.splitlines()) == [
        "n1: Remote_command_rc = 0", "n1: hello", "n2: Remote_command_rc = 1", "n2: hello",
    ]  # fmt: skip
    assert err.startswith("n2: [") and err.endswith("]: Error: the command ended with exit status 1\n")
    assert sb(nodes.site, "xdsh", "n1", "-Q", "echo hello") == (0, "", "")
    _, out, _ = sb(nodes.site, "xdshbak", "-c", given="n1: a\nn2: a\nn3: b\n")
    assert [line for line in out.splitlines() if line and "--" not in line] == ["n[1-2]", "a", "n3", "b"]


def test_a_script_of_this_host_runs_with_arguments_and_environment(nodes: Fleet, tmp_path: Path) -> None:
    script = tmp_path / "a script"
    script.write_text('#!/bin/sh\nprintf "%s|" "$0" "$@" "$SECRET"; cat; exit 7\n')
    environment = tmp_path / "env"
    environment.write_text("export SECRET='s p'\n")
    done = xdsh(nodes.site, "n1", "-x 'two words'", script=script, environment=environment)["n1"]
    assert done.status == 7
    assert done.output.split("/")[-1] == "a script|-x|two words|s p|"
    assert list((nodes.root / "tmp").iterdir()) == [], "nothing is left on the node"
    plain = xdsh(nodes.site, "n1", "echo $SECRET; exit 3", environment=environment)["n1"]
    assert (plain.output, plain.status) == ("s p", 3)
    with pytest.raises(NotFoundError, match=r"The script .*nowhere does not exist"):
        xdsh(nodes.site, "n1", "", script=tmp_path / "nowhere")


def test_dead_silent_and_false_nodes_are_outcomes_beside_the_others(nodes: Fleet) -> None:
    site = nodes.site
    site.set("node", "n4", groups="all", vmsshport="1")
    site.set("node", "n5", groups="all", vmsshport=site.nodes["n1"].get("vmsshport"))
    silent = xdsh(site, "n2", "sleep 600", timeout_s=0.5)
    assert silent["n2"].error == "it wrote nothing for 0.5 s, and was ended here"
    done = xdsh(site, "n1,n3-n5", "echo hello")
    assert (done["n1"].output, done["n3"].output) == ("hello", "hello")
    assert done["n4"].error.startswith("no ssh: ") and "nodestat n4" in done["n4"].hint
    assert done["n5"].error.startswith(("no ssh: ", "its host key is not")), "it has reported no key"
    checked = xdsh(site, "n1,n4", "echo hello", verify=True)
    assert (checked["n1"].output, checked["n4"].error) == ("hello", "it does not answer, so nothing was sent")


def test_output_without_end_is_ended_and_the_terminal_stays_ours(nodes: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OUTPUT_BYTES", 1 << 20)
    done = xdsh(nodes.site, "n1,n2", "test $NODE = n1 && yes; printf '\\033[2J\\r\\n\\377\\0x\\ty'")
    assert done["n1"].error == "it wrote more than 1 MB, and was ended here"
    assert done["n2"].output == "\ufffd[2J\n\ufffd\ufffdx\ty"


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_lines_come_whole_whatever_pieces_they_arrive_in(pieces: list[bytes]) -> None:
    child = object.__new__(fanned._Child)
    child.node, child._rest, child.tail = "n1", {False: b"", True: b""}, fanned.deque(maxlen=2)
    said = [one.line for piece in pieces for one in child.lines(piece, False)]
    said += [one.line for one in child.lines(b"", False, last=True)]
    whole = b"".join(pieces)
    wanted = whole.split(b"\n") if whole else []
    assert said == [fanned.plain(line) for line in (wanted[:-1] if whole.endswith(b"\n") else wanted)]


def test_two_hundred_nodes_so_many_at_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = tmp_path / "running"
    running.mkdir()
    pretend_ssh(
        monkeypatch, tmp_path / "bin",
        f'mkdir "{running}/$host"; ls "{running}" | wc -l; [ "$host" != node7 ] || exit 255; rmdir "{running}/$host"\n',
    )  # fmt: skip
    site.change("node", {f"node{number}": {"groups": "all"} for number in range(200)})
    done = xdsh(site, "all", "anything", fanout=20)
    assert len(done) == 200 and [one.node for one in done.failed] == ["node7"]
    assert max(int(one.output or 0) for one in done.values()) <= 21
    assert sb(site, "xdsh", "all", "-f", "50", "-Q", "anything")[0] == 1


def test_lines_are_streamed_before_the_command_ends(nodes: Fleet) -> None:
    events = xdsh_each(
        nodes.site, "n1", "echo first; while ! [ -e /tmp/go ]; do sleep 0.05; done; echo last", stream=True
    )
    assert next(events) == Said("n1", "first")
    (nodes.root / "tmp/go").touch()
    *lines, outcome = events
    assert lines == [Said("n1", "last")] and outcome.ok and outcome.output == ""  # type: ignore[union-attr]


def test_ctrl_c_ends_every_ssh(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    started.mkdir()
    pretend_ssh(monkeypatch, tmp_path / "bin", f'echo $$ >"{started}/$host"; exec sleep 600\n')
    site.change("node", {f"n{number}": {"groups": "all"} for number in range(10)})
    process = subprocess.Popen(
        [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "xdsh", "all", "sleep 600"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    until(lambda: len([path for path in started.iterdir() if path.read_text().strip()]) == 10)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and b"Interrupted" in out
    pids = [int(path.read_text()) for path in started.iterdir()]
    until(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])


def test_what_cannot_be_is_refused_before_anything_is_sent(site: Site) -> None:
    site.set("node", "n1", groups="all")
    site.set("site", SITE, excludenodes="")
    with pytest.raises(NotFoundError):
        xdsh(site, ["n9"], "true")
    for options in ({"user": "-oProxyCommand=x"}, {"fanout": 0}, {"fanout": 10**6}):
        with pytest.raises(DefinitionError):
            xdsh(site, "n1", "true", **options)
    with pytest.raises(DefinitionError, match="no command"):
        xdsh(site, "n1", " ")
    for words in (["xdsh"], ["xdsh", "-f", "5", "n1", "true"], ["updatenode"]):
        with pytest.raises(click.UsageError, match="NODERANGE"):
            sb(site, *words)
    with pytest.raises(DefinitionError, match="-K is refused: nodeset gives nodes the keys"):
        sb(site, "xdsh", "n1", "-K", "x")
