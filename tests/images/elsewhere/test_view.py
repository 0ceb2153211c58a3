"""What of a host is shown where, as a plan and for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sbkernel.images.elsewhere.view import Entry, Operation, operations

ROOT = Path(__file__).resolve().parents[3]
HOST: dict[str, list[Entry]] = {
    "/": [("bin", "usr/bin"), ("etc", None), ("install", "/srv/install"), ("usr", None)],
    "/etc": [("apt", None), ("hosts", None)],
    "/install": [("old", None)],
}


def test_what_is_wanted_is_bound_and_all_else_is_shown_beside_it() -> None:
    found = operations({"/etc/hosts": "/kept/hosts", "/root/x": "/kept/x"}, lambda path: HOST.get(path, []))
    assert found == [
        Operation("directory", ""),
        Operation("link", "/bin", "usr/bin"),
        Operation("link", "/install", "/srv/install"),
        Operation("show", "/usr", "/usr"),
        Operation("directory", "/etc"),
        Operation("show", "/etc/apt", "/etc/apt"),
        Operation("bind", "/etc/hosts", "/kept/hosts"),
        Operation("directory", "/root"),
        Operation("bind", "/root/x", "/kept/x"),
    ]


def test_nothing_of_the_host_is_listed_within_what_is_bound() -> None:
    found = operations({"/etc": "/kept/etc", "/etc/apt/keys": "/kept/keys"}, lambda path: HOST.get(path, []))
    assert found[-3:] == [
        Operation("bind", "/etc", "/kept/etc"),
        Operation("directory", "/etc/apt"),
        Operation("bind", "/etc/apt/keys", "/kept/keys"),
    ]
    assert Operation("show", "/etc/apt", "/etc/apt") not in found


def test_a_process_in_the_view_sees_the_other_files_and_the_host_keeps_its_own(tmp_path: Path) -> None:
    kept, place = tmp_path / "kept", tmp_path / "view"
    (kept / "site").mkdir(parents=True)
    (kept / "site" / "list").write_text("theirs")
    (kept / "hosts").write_text("names of theirs")
    place.mkdir()
    binds = {"/no such place/site": str(kept / "site"), "/etc/hosts": str(kept / "hosts")}
    code = (
        "import json, os, sys; from pathlib import Path; from sbkernel.images.elsewhere.view import enter\n"
        "enter(json.loads(sys.argv[1]), Path(sys.argv[2]))\n"
        "Path('/no such place/site/made').write_text('there')\n"
        "shown = [Path(name).read_text() for name in ('/no such place/site/list', '/etc/hosts')]\n"
        "print(*shown, os.path.exists('/etc/passwd'))"
    )
    argv = ["unshare", "--mount", sys.executable, "-c", code, json.dumps(binds), str(place)]
    before = Path("/etc/hosts").read_text()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout == "theirs names of theirs True\n"
    assert (kept / "site" / "made").read_text() == "there"
    assert Path("/etc/hosts").read_text() == before and not Path("/no such place").exists()
    assert not list(place.iterdir()) and str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
