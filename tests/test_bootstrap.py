"""Set-up from a bare checkout: what it finds, what it says, and that a prepared one adds nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel import bootstrap
from sbkernel.__main__ import PURPOSES

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "65534"


def python_m(*words: str) -> tuple[int, str]:
    """Run `python3 -m sbkernel` in the checkout with the system's Python, as a newcomer does."""
    python = Path(sys.base_prefix) / "bin" / "python3"
    done = subprocess.run([python, "-m", "sbkernel", *words], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_lists_come_from_the_project_file() -> None:
    project = bootstrap.read_project()
    run = bootstrap.debian_packages(project, ["run"])
    assert {"mmdebstrap", "squashfs-tools", "qemu-system-x86"} <= set(run)
    assert set(run) < set(bootstrap.debian_packages(project, ["run", "test"]))


def test_who_only_reads_the_documentation_needs_no_tools_for_images(tmp_path: Path) -> None:
    project = bootstrap.read_project()
    missing = bootstrap.find_missing(project, PURPOSES["docs"], tmp_path)
    assert missing.extras == ("docs",) and set(missing.debian) <= {"python3-venv"}
    extras = project["project"]["optional-dependencies"]
    assert set(extras["docs"]) <= set(extras["test"]), "the environment with tests serves every purpose"


def test_dpkg_is_asked_what_is_installed() -> None:
    assert bootstrap.missing_debian(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]


def test_environment_is_complete_only_when_noted(tmp_path: Path) -> None:
    project = bootstrap.read_project()
    assert not bootstrap.environment_complete(project, (), tmp_path)
    stamp = bootstrap.stamp(tmp_path, ("test",))
    stamp.write_text(bootstrap.environment_digest(project, ("test",)))
    assert bootstrap.environment_complete(project, (), tmp_path), "the environment with tests serves every purpose"
    stamp.write_text("made for other dependencies")
    assert not bootstrap.environment_complete(project, (), tmp_path)


def test_a_prepared_checkout_adds_nothing_and_says_nothing() -> None:
    status, output = python_m("--version")
    assert status == 0
    assert output.splitlines() == [f"Version {bootstrap.read_project()['project']['version']}"]


def test_without_root_or_sudo_it_says_exactly_what_to_install(tmp_path: Path) -> None:
    package = "no-such-package-anywhere"
    project = bootstrap.read_project()
    project["tool"]["sbkernel"]["debian"]["run"].append(package)
    missing = bootstrap.find_missing(project, ["run"], tmp_path)
    assert package in missing.debian
    code = f"bootstrap.apt_prefix([{package!r}])"
    status, output = as_nobody(tmp_path, code)
    assert status != 0
    assert f"apt-get install --no-install-recommends {package}" in output


def as_nobody(tmp_path: Path, code: str) -> tuple[int, str]:
    """Run code as a user without rights, on a PATH with apt-get but no sudo."""
    package = Path("/var/tmp") / f"sbkernel-{tmp_path.name}-{os.getpid()}"
    tools = package / "bin"
    try:
        tools.mkdir(parents=True)
        (tools / "apt-get").symlink_to("/usr/bin/apt-get")
        shutil.copytree(ROOT / "sbkernel", package / "sbkernel", ignore=shutil.ignore_patterns("__pycache__"))
        script = package / "run.py"
        # Imported as root, since the Python itself may lie where nobody cannot read.
        script.write_text(
            "import os, shutil\nfrom sbkernel import bootstrap\n"
            f"os.environ['PATH'] = {str(tools)!r}\nos.setuid({NOBODY})\n{code}\n"
        )
        done = subprocess.run([sys.executable, str(script)], cwd=package, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    finally:
        shutil.rmtree(package, ignore_errors=True)


@pytest.mark.parametrize("answer", ["n", "no"])
def test_a_no_installs_nothing(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    assert not bootstrap.agreed(assume_yes=False)
    assert bootstrap.agreed(assume_yes=True)


def test_a_failing_step_ends_the_set_up_and_shows_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(bootstrap.SetupError, match="status 3"):
        bootstrap.step("fail", ["sh", "-c", "echo the reason; exit 3"])
    assert "the reason" in capsys.readouterr().err
