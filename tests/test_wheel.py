"""The wheel, as pip builds it, in an empty environment: verbs, templates, notebooks, and what JupyterLab looks for."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from sbkernel.cli.main import VERBS

ROOT = Path(__file__).resolve().parent.parent
INSIDE = {"templates": "sbkernel/_templates", "notebooks": "sbkernel/_notebooks", "sbkernel": "sbkernel"}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def run(*words: str | Path, cwd: Path = ROOT, **env: str) -> str:
    """Run a program with nothing of this checkout in its environment; return what it prints."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SBKERNEL_SITE")}
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env={**kept, **env}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    made = tmp_path_factory.mktemp("wheel")
    run(*PIP, "wheel", "--no-deps", "--wheel-dir", made, ROOT)
    (found,) = made.iterdir()
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel alone; what it depends on is borrowed from this one."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    made = venv / "bin" / "python"
    run(*PIP, "--python", made, "install", "--no-deps", "--no-index", wheel)
    (lent,) = venv.glob("lib/python*/site-packages")
    (lent / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # whose own .pth files are not read
    ours, theirs = (Path(prefix, "share/jupyter/nbconvert/templates") for prefix in (venv, sys.prefix))
    for template in theirs.iterdir():
        if template.name != "sbrecord":
            (ours / template.name).symlink_to(template)
    return made


def tracked() -> dict[str, Path]:
    """Return what has to be in the wheel, by its name there."""
    names = subprocess.run(["git", "ls-files", "-z", *INSIDE], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (Path(name) for name in names.stdout.split("\0") if name)
    return {str(Path(INSIDE[path.parts[0]], *path.parts[1:])): ROOT / path for path in paths}


def test_everything_is_in_it_as_it_is_here(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        there = {one.filename: one for one in opened.infolist()}
        wanted = tracked()
        assert sorted(set(wanted) - set(there)) == []
        different = [name for name, path in wanted.items() if opened.read(name) != path.read_bytes()]
        assert different == []
        modes = [name for name, path in wanted.items() if bool(path.stat().st_mode & 0o100) != _executable(there[name])]
        assert modes == []


def _executable(one: zipfile.ZipInfo) -> bool:
    return bool(one.external_attr >> 16 & 0o100)


def test_what_jupyter_looks_for_is_where_it_looks(python: Path) -> None:
    prefix = python.parent.parent
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, place in build["shared-data"].items():
        files = [ROOT / source] if (ROOT / source).is_file() else [p for p in (ROOT / source).rglob("*") if p.is_file()]
        for path in files:
            there = prefix / place / path.relative_to(ROOT / source)  # of a file: the place itself
            assert there.read_bytes() == path.read_bytes(), there


def test_the_launcher_has_our_tile(python: Path, tmp_path: Path) -> None:
    code = (
        "import json\nfrom jupyter_client.kernelspec import KernelSpecManager\n"
        "spec = KernelSpecManager().get_all_specs()['sbkernel']\nprint(json.dumps(spec))"
    )
    spec = json.loads(run(python, "-c", code, cwd=tmp_path, JUPYTER_DATA_DIR=str(tmp_path)))
    home = Path(spec["resource_dir"])
    assert home.is_relative_to(python.parent.parent) and (home / "logo-svg.svg").is_file()
    assert spec["spec"]["display_name"] == "sbkernel (stateless images)"


def test_jupyterlab_finds_the_tiles_of_the_notebooks_and_what_copies_them(python: Path, tmp_path: Path) -> None:
    code = (
        "import json\nfrom jupyter_core.paths import jupyter_config_path, jupyter_path\n"
        "from jupyter_server.extension.config import ExtensionConfigManager\n"
        "from jupyterlab_server.config import get_federated_extensions\n"
        "tiles = get_federated_extensions(jupyter_path('labextensions'))['sbkernel']\n"
        "copying = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()\n"
        "from sbkernel.records.library import templates\n"
        "print(json.dumps([tiles['ext_path'], tiles['jupyterlab']['_build']['load'], copying, len(templates())]))"
    )
    home = {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    path, script, copying, count = json.loads(run(python, "-c", code, cwd=tmp_path, **home))
    assert Path(path).is_relative_to(python.parent.parent) and (Path(path) / script).is_file()
    assert copying["sbkernel.workbench.launcher"] is True
    assert count == len(list((ROOT / "notebooks").glob("*.ipynb")))


def test_the_server_finds_our_extensions(python: Path, tmp_path: Path) -> None:
    """JupyterLab loads what puts the templates into the launcher: one in the server, one in the page."""
    code = (
        "from jupyter_core.paths import jupyter_config_path, jupyter_path\n"
        "from jupyter_server.extension.manager import ExtensionPackage\n"
        "from jupyterlab_server.config import get_federated_extensions\n"
        "from jupyter_server.extension.config import ExtensionConfigManager\n"
        "known = ExtensionConfigManager(read_config_path=jupyter_config_path()).get_jpserver_extensions()\n"
        "assert known['sbkernel.workbench.launcher']\n"
        "assert ExtensionPackage(name='sbkernel.workbench.launcher').validate()\n"
        "print(get_federated_extensions(jupyter_path('labextensions'))['sbkernel']['ext_path'])"
    )
    there = run(python, "-c", code, cwd=tmp_path, JUPYTER_CONFIG_DIR=str(tmp_path), JUPYTER_DATA_DIR=str(tmp_path))
    assert Path(there.strip()).is_relative_to(python.parent.parent)


def test_all_verbs_are_there_and_find_their_templates(python: Path, tmp_path: Path) -> None:
    sb = python.parent / "sb"
    said = run(sb, "-h", cwd=tmp_path)
    assert [verb for verb in VERBS if f"\n  {verb} " not in said] == []
    code = (
        "from sbkernel.cli.group import group\nfrom sbkernel.cli.main import VERB_GROUPS, VERBS\n"
        "root = group(VERB_GROUPS)\nfor verb in VERBS: assert root.get_command(None, verb), verb"
    )
    run(python, "-c", code, cwd=tmp_path)
    site = ("--site", tmp_path / "site")
    listed = run(sb, *site, "lsdef", "-t", "osimage", "-i", "pkglist", cwd=tmp_path)
    lists = [Path(line.partition("=")[2]) for line in listed.splitlines() if "pkglist=" in line]
    assert lists and all(path.is_file() for path in lists)
    assert (tmp_path / "site" / "share").resolve().is_relative_to(python.parent.parent)
    notebooks = run(sb, *site, "run", "--list", cwd=tmp_path)
    assert [path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if f"{path.stem}  (" not in notebooks] == []


def test_a_scheduled_run_needs_nothing_but_full_paths(python: Path, tmp_path: Path) -> None:
    """As cron starts it: the kernel, the engine and the page of the record come from this environment."""
    cell = new_code_cell("import sbkernel, sys\nprint(sbkernel.__file__, sys.prefix)")
    kernel = {"name": "sbkernel", "display_name": "sbkernel", "language": "python"}
    nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": kernel}), tmp_path / "small.ipynb")
    (tmp_path / "site" / "schedules").mkdir(parents=True)
    (tmp_path / "site" / "schedules" / "small.json").write_text(
        json.dumps({"notebook": str(tmp_path / "small.ipynb"), "kind": "hourly"})
    )
    code = (
        "import sys\nfrom sbkernel.site import Site\nfrom sbkernel.records.schedules import crontab, definition\n"
        "site = Site.open(sys.argv[1])\nprint(crontab.line(site, definition.load(site, 'small')))"
    )
    line = run(python, "-c", code, tmp_path / "site", cwd=tmp_path)
    assert line.startswith(f"0 * * * * {python} -P -m ")
    words = line.partition(" * * * * ")[2].partition(" # ")[0].split()
    done = subprocess.run(
        words, env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}, cwd="/", capture_output=True, text=True
    )
    log = tmp_path / "site" / "log" / "schedules" / "small.log"
    assert done.returncode == 0, done.stderr + log.read_text()
    (record,) = (tmp_path / "site" / "records").rglob("*-small-ok.ipynb")
    assert f"{python.parent.parent}/lib" in record.read_text() and record.with_suffix(".html").exists()
