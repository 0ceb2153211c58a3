"""Which server the initrd asks, and which one when that is dead, in the shell that it has, without a machine."""

import subprocess
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "templates" / "initrd"
URL = "http://a:80/catalog/1/root.squashfs"


def run(text: str, line: str = "sbkernel.servers=a:80,b:81,c:82 sbkernel.retries=2") -> list[str]:
    """Run shell text after the functions of the initrd; a transfer succeeds from the servers in `alive` alone."""
    sourced = "".join(f'. "{SCRIPTS}/{name}.sh"\n' for name in ("words", "fetch"))
    before = f"""set -uf
{sourced}say() {{ :; }}
sleep() {{ echo "sleep $1"; }}
transfer() {{ echo "GET $1"; problem=dead; case $1 in *://"$alive"/*) return 0 ;; *) return 1 ;; esac; }}
command_line='{line}'
server=a:80
retries=$(argument sbkernel.retries 12)
read_servers
"""
    done = subprocess.run(["busybox", "sh", "-c", before + text], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_next_server_is_asked_at_once_and_keeps_the_job() -> None:
    said = run(f"alive=b:81\nfetch {URL} /tmp/none 5 && echo $tries_used $serving $server\nfetch {URL} /tmp/none 5")
    assert said == [
        "GET http://a:80/catalog/1/root.squashfs", "sleep 0", "GET http://b:81/catalog/1/root.squashfs",
        "2 b:81 b:81", "GET http://b:81/catalog/1/root.squashfs",
    ]  # fmt: skip


def test_after_the_last_server_comes_a_pause_and_then_the_first() -> None:
    said = run(f"alive=none\nfetch {URL} /tmp/none 5 || echo gave up after $tries_used")
    asked = [line.split("/")[2] for line in said if line.startswith("GET")]
    assert asked == ["a:80", "b:81", "c:82"] * 2
    assert [line for line in said if line.startswith("sleep")] == [
        "sleep 0",
        "sleep 0",
        "sleep 4",
        "sleep 0",
        "sleep 0",
    ]
    assert said[-1] == "gave up after 6"


def test_one_server_is_asked_as_ever() -> None:
    said = run(f"alive=none\nfetch {URL} /tmp/none 5 || echo $tries_used $server", "sbkernel.retries=2")
    assert said == [f"GET {URL}", "sleep 1", f"GET {URL}", "2 a:80"]


def test_a_file_without_a_sum_is_not_put_together_from_two_servers(tmp_path: Path) -> None:
    part = tmp_path / "overlay.tar"
    part.write_text("half of it")
    run(f"alive=b:81\nfetch {URL} {part} 0")
    assert not part.exists()
    part.write_text("half of it")
    run(f"alive=b:81\nfetch {URL} {part} 20")
    assert part.read_text() == "half of it"


def test_reports_go_to_the_server_that_takes_them() -> None:
    posting = 'timeout() { shift; echo "$7"; case $7 in *b:81*) return 0 ;; *) return 1 ;; esac; }\n'
    said = run(f"{posting}patience=5\nbody=x\npost\npost\necho $server")
    assert said == ["http://a:80/status", "http://b:81/status", "http://b:81/status", "b:81"]
    assert run(f"{posting}patience=5\nbody=x\npost || echo lost", "") == ["http://a:80/status", "lost"]


def test_a_node_that_reports_nothing_does_not_begin_to() -> None:
    assert run("server=\nnext_server && echo $serving:$server") == ["b:81:"]
