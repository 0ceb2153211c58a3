"""Programs are started, streamed and ended as promised: with real processes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from waiting import until

from sbkernel.errors import CommandError, ToolMissingError
from sbkernel.jobs.run import PIPE, end, run, spawn, spawn_async


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def python_with_child(code: str, tmp_path: Path) -> subprocess.Popen[bytes]:
    """Start a Python process that runs `code` and wait until its program has written its PID to `pid`."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path)
    pid = tmp_path / "pid"
    until(lambda: pid.exists() and pid.read_text().endswith("\n"), unless=lambda: process.poll() is not None)
    return process


def test_standard_output_is_returned_and_every_line_is_streamed() -> None:
    lines: list[str] = []
    done = run(["sh", "-c", "printf 'one\\r\\ntwo\\rthree\\nr\\303\\244st'; echo warning >&2"], on_line=lines.append)
    assert done.stdout == "one\r\ntwo\rthree\nräst"
    assert sorted(lines) == sorted(["one", "two", "three", "räst", "warning"])


def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    script = 'echo a; until [ -e "$1/a" ]; do sleep 0.02; done; echo b'
    run(["sh", "-c", script, "sh", tmp_path], on_line=lambda line: (tmp_path / line).touch(), timeout_s=20)
    assert (tmp_path / "b").exists()


def test_a_failure_carries_the_end_of_what_was_written() -> None:
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "seq 100; echo broken >&2; exit 3"])
    assert caught.value.returncode == 3
    assert "broken" in caught.value.tail and "100" in caught.value.tail
    assert len(caught.value.tail.splitlines()) == 20
    assert run(["false"], check=False).returncode == 1


def test_a_missing_program_names_the_debian_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sbkernel.jobs.command.SBIN", ())
    with pytest.raises(ToolMissingError, match="mksquashfs not found") as caught:
        run(["mksquashfs", "-version"])
    assert caught.value.hint == "install the Debian package squashfs-tools"


def test_more_input_and_output_than_pipes_hold() -> None:
    data = os.urandom(500_000).hex()
    assert run(["cat"], input=data).stdout == data


def test_input_that_nobody_reads_is_no_error() -> None:
    run(["true"], input=b"x" * 1_000_000)


def test_standard_output_can_go_to_a_file(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as stream:
        assert run(["echo", "hello"], stdout=stream).stdout == ""
    assert (tmp_path / "out").read_text() == "hello\n"


def test_environment_is_added_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "1")
    assert run(["sh", "-c", "echo $NEW ${GONE-unset}"], env={"NEW": "2", "GONE": None}).stdout == "2 unset\n"


def test_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(CommandError, match="ended after"):
        run(["sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pid; wait"], timeout_s=0.5)
    assert time.monotonic() - start < 100
    until(lambda: not lives(int((tmp_path / "pid").read_text())))


def test_a_daemon_that_holds_the_pipe_does_not_hold_us() -> None:
    start = time.monotonic()
    assert run(["sh", "-c", "echo done; setsid sleep 30 &"]).stdout == "done\n"
    assert time.monotonic() - start < 25


def test_an_exception_in_on_line_ends_the_program(tmp_path: Path) -> None:
    def refuse(_line: str) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(["sh", "-c", f"echo $$ > {tmp_path}/pid; echo line; exec sleep 300"], on_line=refuse)
    until(lambda: not lives(int((tmp_path / "pid").read_text())))


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    code = "from sbkernel.jobs.run import run\nrun(['sh', '-c', 'echo $$ > pid; exec sleep 300'])"
    process = python_with_child(code, tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    until(lambda: not lives(int((tmp_path / "pid").read_text())))


def test_a_killed_parent_takes_its_program_along(tmp_path: Path) -> None:
    code = "from sbkernel.jobs.run import run\nrun(['sh', '-c', 'echo $$ > pid; exec sleep 300'])"
    process = python_with_child(code, tmp_path)
    process.kill()
    process.wait()
    until(lambda: not lives(int((tmp_path / "pid").read_text())))


def test_a_killed_parent_takes_grandchildren_and_mounts_along_when_isolated(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    script = "mount -t tmpfs none mnt; setsid sleep 4321 & readlink /proc/self/ns/pid > pid; wait"
    code = f"from sbkernel.jobs.run import run\nrun(['sh', '-c', {script!r}], isolated=True)"
    process = python_with_child(code, tmp_path)
    namespace = (tmp_path / "pid").read_text().strip()
    members = processes_in(namespace)
    assert len(members) >= 2
    process.kill()
    process.wait()
    until(lambda: not any(map(lives, members)))
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def test_an_isolated_program_heeds_sigterm_at_once(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(CommandError, match="ended after"):
        run(["sleep", "300"], isolated=True, timeout_s=0.3)
    assert time.monotonic() - start < 100
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "exit 7"], isolated=True)
    assert caught.value.returncode == 7


def processes_in(namespace: str) -> list[int]:
    found = []
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            if str(link.readlink()) == namespace:
                found.append(int(link.parts[2]))
        except OSError:
            continue
    return found


def test_a_spawned_child_outlives_the_thread_that_asked_and_dies_with_the_process(tmp_path: Path) -> None:
    code = """
        import os, pathlib, threading, time
        from sbkernel.jobs.run import spawn
        def ask():
            spawn(["sh", "-c", "echo $$ > pid; until [ -e over ]; do sleep 0.02; done; touch lives; exec sleep 300"])
        thread = threading.Thread(target=ask)
        thread.start(); thread.join()
        while os.path.exists(f"/proc/self/task/{thread.native_id}"):
            time.sleep(0.01)
        pathlib.Path("over").touch()
        time.sleep(300)
    """
    process = python_with_child(code, tmp_path)
    pid = int((tmp_path / "pid").read_text())
    until((tmp_path / "lives").exists)
    process.kill()
    process.wait()
    until(lambda: not lives(pid))


def test_end_waits_for_the_grace_and_then_kills() -> None:
    process = spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], stdout=PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    start = time.monotonic()
    assert end(process, grace_s=0.5) == -signal.SIGKILL
    assert time.monotonic() - start > 0.4
    assert end(process) == -signal.SIGKILL


async def test_an_async_child_talks_to_its_loop() -> None:
    process = await spawn_async(["cat"], stdin=PIPE, stdout=PIPE)
    out, _ = await process.communicate(b"hello")
    assert out == b"hello"


def test_threads_run_programs_side_by_side() -> None:
    results: list[str] = []
    threads = [threading.Thread(target=lambda n=n: results.append(run(["echo", str(n)]).stdout)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [f"{n}\n" for n in range(8)]
