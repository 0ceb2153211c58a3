"""What works without root: own namespaces with subordinate ids, and packing a tree that holds files of those ids.

The user is made up in a private mount namespace, so that nothing on the machine changes.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]
BECOME = """
set -e
printf 'tester:x:54321:54321::%s:/bin/sh\\n' "$PWD" | cat /etc/passwd - >etc/passwd
printf 'tester:x:54321:\\n' | cat /etc/group - >etc/group
printf 'tester:600000:65536\\n' | tee etc/subuid >etc/subgid
mount -t overlay -o "lowerdir=$PWD/etc:/etc" none /etc
mount --bind "$1" python; mount --bind "$2" packages
export HOME="$PWD" USER=tester PYTHONHOME="$PWD/python" PYTHONPATH="$PWD/code:$PWD/packages" PYTHONDONTWRITEBYTECODE=1
exec setpriv --reuid 54321 --regid 54321 --clear-groups -- "python/bin/$3" -c "$0"
"""
RunAsUser = Callable[[str], str]


@pytest.fixture
def as_user() -> Iterator[RunAsUser]:
    """Return a function that runs Python code as an ordinary user in an own directory, with our package at hand.

    Python and what we depend on are mounted there, too: they may stand where only root can read.
    """
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to others
        home = Path(name)
        for directory in ("etc", "python", "packages"):
            (home / directory).mkdir()
        shutil.copytree(HERE / "sbkernel", home / "code/sbkernel", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(HERE / "templates", home / "code/templates")
        home.chmod(0o755)
        os.chown(home, 54321, 54321)

        def run_code(code: str) -> str:
            python = [sys.base_prefix, sysconfig.get_path("purelib"), f"python{sysconfig.get_python_version()}"]
            argv = ["unshare", "--mount", "sh", "-c", BECOME, code, *python]
            done = subprocess.run(argv, cwd=home, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run_code


def test_an_isolated_program_is_root_over_its_subordinate_ids(as_user: RunAsUser) -> None:
    script = "id -u; mount -t tmpfs none /mnt; touch /mnt/x; chown 33:33 /mnt/x; stat -c %u /mnt/x; echo $$"
    out = as_user(f"from sbkernel.jobs.run import run; print(run(['sh', '-c', {script!r}], isolated=True).stdout)")
    assert out.split() == ["0", "33", "2"]


def test_a_tree_with_files_the_user_may_not_read_is_packed(as_user: RunAsUser) -> None:
    out = as_user("""
import json, subprocess
from pathlib import Path
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.jobs.run import run
from sbkernel.site import Site
script = '''mkdir -p rootimg/var/closed rootimg/var/out; echo secret >rootimg/var/closed/file
chmod 600 rootimg/var/closed/file; chown -R 33:33 rootimg/var/closed; chmod 700 rootimg/var/closed'''
built = Path.home() / "built"
built.mkdir()
run(["sh", "-c", script], isolated=True, cwd=built)
try:
    list((built / "rootimg/var/closed").iterdir())
    raise SystemExit("the directory should be closed to us")
except PermissionError:
    pass
for name in ("kernel", "initrd-stateless.gz", "plan.json"):
    (built / name).write_text("{}")
(Path.home() / "exlist").write_text("./var/out*")
with Site.open(Path.home() / "site") as site:
    site.set("osimage", "img", osvers="debian12", osarch="x86_64", profile="p", provmethod="netboot",
             imagetype="linux", rootimgdir=str(built), pkglist="/dev/null", exlist=str(Path.home() / "exlist"))
    first, second = packimage(site, "img"), packimage(site, "img")
    assert second["cached"] and not first["cached"]
    print(subprocess.check_output(["unsquashfs", "-lln", "-d", "", Catalog(site).current("img").root], text=True))
run(["rm", "-r", "rootimg"], isolated=True, cwd=built)
""")
    lines = [line.split() for line in out.splitlines()]
    owners = {fields[-1]: (fields[0], fields[1]) for fields in lines if len(fields) > 5}
    assert owners["/var/closed/file"] == ("-rw-------", "33/33")
    assert owners["/var"] == ("drwxr-xr-x", "0/0") and "/var/out" not in owners
