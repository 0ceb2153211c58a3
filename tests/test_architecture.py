"""The house stands: rooms import only rooms above them, and no file outgrows its cap."""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sbkernel.docs.house import ROOMS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sbkernel"
STANDALONE = {"bootstrap", "__main__"}  # set-up with the standard library alone
LINES_CAP = 400


def room_of(path: Path) -> str:
    """Return the room a file belongs to: the folder, or the file itself at the top level."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a file imports anywhere, also inside functions."""
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0 or node.level == 1, f"{path}: relative import across rooms"
            module = node.module or ""
            if module == "sbkernel":
                rooms |= {alias.name for alias in node.names}
            elif module.startswith("sbkernel."):
                rooms.add(module.split(".")[1])
        elif isinstance(node, ast.Import):
            rooms |= {a.name.split(".")[1] for a in node.names if a.name.startswith("sbkernel.")}
    return rooms


def modules(path: Path) -> set[str]:
    """Return the whole names of the modules that a file imports anywhere, with their parents."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {".".join(parts[:end]) for parts in (name.split(".") for name in names) for end in range(1, len(parts) + 1)}


def code_files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_templates" not in p.parts and "_notebooks" not in p.parts)


@pytest.mark.parametrize("path", code_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_rooms_above(path: Path) -> None:
    room = room_of(path)
    if room not in ROOMS:
        return
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) | {"__version__"}
    assert imported_rooms(path) <= allowed


@pytest.mark.parametrize("path", code_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_values_do_not_render_themselves(path: Path) -> None:
    """Above the workbench nothing is HTML; records look for secrets in it, also as HTML writes them."""
    room = room_of(path)
    if room not in ROOMS[: ROOMS.index("workbench")]:
        return
    markup = {"markupsafe"} if room == "records" else {"markupsafe", "html"}
    assert not modules(path) & markup
    assert not {"_repr_html_", "_repr_mimebundle_"} & {
        node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
    }


FORMATS_OF_PACKAGES = re.compile(r"\b(apt|dpkg|rpm|deb|debian|dnf|yum|zypper)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", sorted((PACKAGE / "packages").rglob("*.py")), ids=lambda p: p.name)
def test_only_its_reader_knows_a_package_format(path: Path) -> None:
    if "readers" not in path.relative_to(PACKAGE).parts:
        assert not FORMATS_OF_PACKAGES.findall(path.read_text())


def imported_files(path: Path) -> set[str]:
    """Return the modules of the package that a file imports anywhere, for type checkers too, by dotted name."""
    known = {module_of(file) for file in code_files()}
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sbkernel"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else str(node.module) for name in names}
    return found & known - {module_of(path)}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {module_of(path): imported_files(path) for path in code_files()}
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


PACKAGE_MANAGERS = {
    "debian": re.compile(r"\b(apt|apt-get|dpkg|mmdebstrap|codename|amd64)\b", re.IGNORECASE),
    "rpm": re.compile(r"\b(rpm|rpmdb|dnf|zypper)\b", re.IGNORECASE),
}


@pytest.mark.parametrize("family", PACKAGE_MANAGERS)
def test_only_its_family_knows_a_package_manager(family: str) -> None:
    images = PACKAGE / "images"
    files = [path for path in code_files() if path.is_relative_to(images)]
    others = [path for path in files if not path.is_relative_to(images / "families")]
    others += [
        path
        for path in files
        if path.is_relative_to(images / "families") and family not in path.relative_to(ROOT).parts
    ]
    others.remove(images / "families" / "__init__.py")
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in others
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if PACKAGE_MANAGERS[family].search(re.sub(r"families\.\w+", "", line))
    ]
    assert lines == []


@pytest.mark.parametrize("path", [*code_files(), *sorted((ROOT / "tests").rglob("*.py"))], ids=lambda p: p.name)
def test_files_stay_under_the_cap(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES_CAP


def test_top_level_is_the_agreed_one() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in tracked.splitlines()}
    agreed = {"pyproject.toml", "notebooks", "sbkernel", "tests", "templates", "README.md", "CHANGELOG.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= agreed


def test_one_door_to_subprocess() -> None:
    doors = {"jobs/run.py", "jobs/spawn.py", "bootstrap.py"}
    users = {
        str(p.relative_to(PACKAGE))
        for p in code_files()
        if any(word in p.read_text() for word in ("import subprocess", "os.system(", "create_subprocess", "Popen("))
    }
    assert users <= doors


# inspect comes with click and with dataclasses, and takes as long as starting the interpreter.
_HEAVY = ["pandas", "IPython", "pydantic", "aiohttp", "jinja2", "pyghmi", "rich", "psycopg", "dask", "click", "inspect"]


@pytest.mark.parametrize("heavy", _HEAVY)
def test_listing_definitions_imports_nothing_heavy(heavy: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom sbkernel.cli.main import main\n"
        f"try: main(['--site', {str(tmp_path)!r}, 'lsdef', '-t', 'osimage'])\nexcept SystemExit: pass\n"
        f"assert {heavy!r} not in sys.modules, {heavy!r}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


@pytest.mark.parametrize("arguments", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_linters(arguments: list[str]) -> None:
    where = ["."] if arguments[0] == "ruff" else []
    done = subprocess.run([sys.executable, "-m", *arguments, *where], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
