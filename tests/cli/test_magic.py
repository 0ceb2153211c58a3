"""`%sb` in a real IPython shell: values, errors that stop, variables, and no password in a history."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from keptrecords import record
from packedtwice import pack_twice
from traitlets.config import Config

import sbkernel
from sbkernel.cli.magic.awaiting import runs_apart, with_awaits
from sbkernel.errors import SbkernelError
from sbkernel.service.client import Service
from sbkernel.site import Site

COMPUTE = "debian12-x86_64-netboot-compute"
NODES = "n1:\n    objtype=node\n    groups=all\nn2:\n    objtype=node\n    groups=all\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SBKERNEL_SITE", str(tmp_path / "site"))
    with Site.open(tmp_path / "site") as opened:
        yield opened
        Service(opened).stop()  # rpower has started it


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    made = InteractiveShell(config=Config({"HistoryManager": {"hist_file": str(tmp_path / "history.sqlite")}}))
    sbkernel.load_ipython_extension(made)
    sbkernel.load_ipython_extension(made)
    yield made
    made.history_manager.end_session()
    del SbkernelError._render_traceback_  # type: ignore[attr-defined]


@pytest.fixture
def cell(shell: InteractiveShell, site: Site) -> Callable[[str], ExecutionResult]:
    """Run a cell, and keep its history as a notebook does."""
    return lambda text: shell.run_cell(text, store_history=True)


Cell = Callable[[str], ExecutionResult]


def error_of(result: ExecutionResult) -> str:
    return str(result.error_in_exec or result.error_before_exec)


def test_a_listing_is_a_frame_where_it_is_assigned(cell: Cell, shell: InteractiveShell) -> None:
    assert cell("df = %sb lsdef -t osimage").success
    frame = shell.user_ns["df"]
    assert frame.index.name == "name" and frame.loc[COMPUTE, "osvers"] == "debian12"
    assert cell("short = %sb lsdef -t osimage -i profile,osarch").success
    assert list(shell.user_ns["short"].columns) == ["profile", "osarch"]
    assert cell("names = %sb lsdef -t osimage -s").success
    assert shell.user_ns["names"].index.tolist() == frame.index.tolist()
    assert cell("both = %sb lsdef -t osimage,network").success
    assert set(shell.user_ns["both"]["type"]) == {"osimage"}


def test_every_statement_shows_its_value_wherever_it_stands(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    assert cell(f"%%sb mkdef -z\n{NODES}").success
    assert cell("%sb nodels all\nfor name in ['n1']:\n    %sb lsdef $name -i groups\nx = 1").success
    shown = capsys.readouterr().out
    assert "2 object definitions have been created" in shown
    assert re.search(r"n1\n1 +n2", shown) and re.search(r"n1 +all", shown)


def test_stanzas_and_help_stay_text(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    assert cell(f"%sb lsdef -t osimage {COMPUTE} -z").success
    assert cell("%sb rpower -h").success and cell("%sb").success
    shown = capsys.readouterr().out
    assert f"{COMPUTE}:\n    objtype=osimage" in shown and "Usage: sb rpower" in shown.replace("%sb", "sb")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lsdef -t osimage none", "Could not find an object named 'none' of type 'osimage'"),
        ("lsdf", "no verb 'lsdf'; did you mean lsdef?"),
        ("rpower", "Missing argument 'NODERANGE'"),
        ("genimage none", "Cannot find image 'none'"),
        ("lsdef 'n1", "no closing quotation"),
        ("rcons n1", "does not run in a cell"),
        ("lab", "does not run in a cell"),
        ("tabdump -f /none/such/file site", "/none/such"),
        ("lsdef | head", "%sb: | means something to a shell"),
        ("mkdef n1 mgt=ipmi", "'groups'"),
    ],
)
def test_what_is_wrong_is_one_clear_error(cell: Cell, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    done = cell(f"%sb {line}\nafter = 1")
    assert not done.success and said in error_of(done) and isinstance(done.error_in_exec, SbkernelError)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out and (shown.out + shown.err).count(said) == 1


def test_a_failed_node_stops_a_statement_but_not_an_assignment(
    cell: Cell, shell: InteractiveShell, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.set("node", "n1", groups="all")
    done = cell("%sb rpower n1 stat")
    assert "n1: Unable to identify plugin" in error_of(done) and "sb chdef NODE mgt" in error_of(done)
    assert "False" in capsys.readouterr().out, "the frame is shown before the error"
    assert cell("found = %sb rpower n1 stat").success
    assert shell.user_ns["found"]["ok"].tolist() == [False]


def test_variables_are_expanded_as_ipython_does(cell: Cell, shell: InteractiveShell, site: Site) -> None:
    site.set("node", "n1", groups="all")
    cell("name, pair = 'n1', {'a': 'usercomment'}")
    cell("def one(inner):\n    got = %sb lsdef $inner\n    return got\ngot = one(name)")
    assert shell.user_ns["got"].index.tolist() == ["n1"]
    assert cell("%sb chdef {name} {pair['a']}='two words'").success
    assert site.nodes["n1"].get("usercomment") == "two words"


def test_the_site_that_the_notebook_has_opened_is_the_one(cell: Cell, shell: InteractiveShell, tmp_path: Path) -> None:
    with Site.open(tmp_path / "other") as other:
        other.set("node", "theirs", groups="all")
        shell.push({"site": other})
        cell("found = %sb nodels")
        cell(f"mine = %sb --site {tmp_path / 'site'} nodels")
    assert shell.user_ns["found"]["node"].tolist() == ["theirs"] and not len(shell.user_ns["mine"])


def test_versions_jobs_and_differences_are_values(
    cell: Cell, shell: InteractiveShell, site: Site, tmp_path: Path
) -> None:
    pack_twice(site, tmp_path)
    for line in (
        "a = %sb images", "b = %sb images img", "c = %sb diff img", "d = %sb images img --why", "e = %sb history",
        "f = %sb tabdump osimage", "g = %sb jobs", "h = %sb stuck", "i = %sb diff img img@previous img",
        "j = %sb records ls", "k = %sb schedule ls",
    ):  # fmt: skip
        assert cell(line).success, line
    got = shell.user_ns
    assert got["a"]["image"].tolist() == ["img"] and len(got["b"]) == 2 and len(got["c"]) == 4
    assert "img" in str(got["d"]) and len(got["e"]) and "img" in got["f"]["imagename"].tolist()
    assert not len(got["g"]) and not got["h"].not_well and len(got["i"].names) == 3
    assert list(got["j"].columns) and not len(got["j"]) and not len(list(got["k"]))


def test_ipython_in_a_terminal_follows_a_job_in_lines(
    cell: Cell, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack_twice(site, tmp_path)
    capsys.readouterr()
    assert cell("%sb packimage img\n1").success
    shown = capsys.readouterr()
    assert shown.err.count("compare") == 1 and "Nothing has changed since it was packed" in shown.out


PASSWORDS = [
    "%sb passwd ipmi hush77", "%sb passwd ipmi -u ADMIN hush77", "%%sb passwd ipmi -u ADMIN --stdin\nhush77\n",
    "%sb chdef n1 bmcpassword=hush77", "%%sb mkdef -z\nn9:\n    objtype=node\n    groups=all\n    bmcpassword=hush77\n",
    "%sb chtab key=ipmi passwd.password='hush77'", "%sb passwd ipmi -u ADMIN --from hush77",
    "x = %sb passwd ipmi hush77",
]  # fmt: skip


@pytest.mark.parametrize("text", PASSWORDS)
def test_a_password_in_a_cell_is_refused_and_kept_nowhere(
    cell: Cell, shell: InteractiveShell, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    site.set("node", "n1", groups="all")
    before = len(site.history())
    cell("1")
    done = cell(text)
    assert "a password stands in the cell" in error_of(done) and "hush77" not in error_of(done)
    assert len(site.history()) == before
    cell("2")
    kept: HistoryManager = shell.history_manager
    kept.writeout_cache()
    held = {name: value for name, value in shell.user_ns.items() if name.startswith(("_i", "In"))}
    assert "hush77" not in str([kept.input_hist_raw, kept.input_hist_parsed, held])
    assert "hush77" not in capsys.readouterr().out
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"hush77" in path.read_bytes()]


def test_a_password_in_a_variable_or_by_reference_is_none(cell: Cell, shell: InteractiveShell, site: Site) -> None:
    site.set("node", "n1", groups="all", mgt="ipmi")
    shell.push({"secret": "hush78"})
    assert cell("%sb chdef n1 bmcpassword=$secret").success
    assert site.nodes["n1"].revealed().get("bmcpassword") == "hush78"
    assert cell("%sb passwd ipmi -u ADMIN --from env:BMC").success
    assert "hush78" not in str(shell.history_manager.input_hist_raw)


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("get_ipython().run_line_magic('sb', 'genimage x')\n",
         "await get_ipython().run_line_magic('sb', '+show +await genimage x')\n"),
        ("df = get_ipython().run_line_magic('sb', 'lsdef x')\n", None),
        ("text = \"get_ipython().run_line_magic('sb', 'genimage x')\"\n", None),
        ("get_ipython().run_cell_magic('sb', 'mkdef -z', 'n1:\\n')\n",
         "get_ipython().run_cell_magic('sb', '+show mkdef -z', 'n1:\\n')\n"),
        ("def f():\n    get_ipython().run_line_magic('sb', 'run x')\n",
         "def f():\n    get_ipython().run_line_magic('sb', '+show run x')\n"),
        ("get_ipython().run_line_magic('sb', '--site x records rerun y')\n",
         "await get_ipython().run_line_magic('sb', '+show +await --site x records rerun y')\n"),
        ("a = get_ipython().run_line_magic('sb', 'records ls')\n", None),
        ("if 1:\n    a = get_ipython().run_line_magic('sb', 'run x')\n",
         "if 1:\n    a = await get_ipython().run_line_magic('sb', '+await run x')\n"),
    ],
)  # fmt: skip
def test_long_work_is_awaited_where_that_may_stand(line: str, becomes: str | None) -> None:
    assert "".join(with_awaits(line.splitlines(keepends=True))) == (becomes or line)


def test_importing_costs_nothing_more_and_loading_imports_no_verb() -> None:
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\nimport sbkernel\n"
        "assert not [name for name in sys.modules if name.startswith('sbkernel.cli')]\n"
        "shell.run_line_magic('load_ext', 'sbkernel')\n"
        "assert not {'click', 'pandas', 'ipywidgets', 'sbkernel.cli.magic.verbs'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_records_are_values_and_running_one_again_is_a_program_of_its_own(
    cell: Cell, shell: InteractiveShell, site: Site
) -> None:
    record(site, run="ab" * 16)
    assert cell("found = %sb records ls").success and cell("one = %sb records show abab").success
    assert shell.user_ns["found"].run.tolist() == ["ab" * 16] and shell.user_ns["one"].record.image == "img"
    assert cell("over_time = %sb records trend img").success and list(shell.user_ns["over_time"].df.columns)
    assert not runs_apart(["records", "ls"]) and runs_apart(["--site", "x", "records", "rerun", "abab"])
