"""sb schedule: parse, call, print; what is refused leaves nothing behind."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result
from nbformat.v4 import new_code_cell, new_notebook

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.definitions.secret import HIDDEN
from sbkernel.errors import DefinitionError, NotFoundError, RecordError, SbkernelError
from sbkernel.records.schedules import definition, last, schedule
from sbkernel.records.schedules.crontab import Crontab, line
from sbkernel.records.schedules.definition import Schedule, Tell
from sbkernel.records.schedules.last import Last
from sbkernel.records.schedules.listing import python, words
from sbkernel.records.schedules.when import When
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

METADATA = {"kernelspec": {"name": "sbkernel", "display_name": "sbkernel", "language": "python"}}
pytestmark = pytest.mark.usefixtures("crontab")


def sb(site: Site, *words: str) -> Result:
    done = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), "schedule", *words], standalone_mode=False)
    if isinstance(done.exception, SbkernelError):
        raise done.exception
    return done


def crontab_lines() -> list[str]:
    return subprocess.run(["crontab", "-l"], capture_output=True, text=True).stdout.splitlines()


def test_a_schedule_is_added_listed_disabled_enabled_and_removed(
    site: Site, notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crontab, "remark", lambda _self: "")
    path = notebook("pass", name="with blank")
    added = sb(site, "add", str(path), "--name", "n", "-p", "count=7", "-p", "nodes=a,b", "--daily", "02:00")
    assert added.stdout.startswith("n: made; cron runs it next on ") and added.stdout.endswith(" at 02:00\n")
    assert "does not make up for runs" in added.stderr
    assert definition.load(site, "n").values == {"count": 7, "nodes": ["a", "b"]}
    assert crontab_lines() == [line(site, definition.load(site, "n"))]
    listed = sb(site, "ls")
    assert listed.return_value == 0
    assert "with blank.ipynb  daily 02:00  " in listed.stdout and "never ran" in listed.stdout
    assert "n: cron does not make up for runs that are missed" in listed.stdout
    shown = sb(site, "show", "n").stdout
    assert f"sb schedule add {shlex.quote(str(path))} --name n --daily 02:00 -p count=7" in shown
    assert sb(site, "disable", "n").stdout == "n: disabled\n"
    assert crontab_lines() == [] and "disabled" in sb(site, "ls").stdout
    assert sb(site, "enable", "n").stdout.startswith("n: changed; ")
    assert len(crontab_lines()) == 1
    assert sb(site, "rm", "n").stdout == "n: removed\n"
    assert crontab_lines() == [] and list((site.root / "schedules").iterdir()) == []
    assert sb(site, "ls").stdout == "No schedule: sb schedule add NOTEBOOK --daily 02:00\n"


def test_the_same_again_changes_nothing_but_a_timer_that_is_gone(site: Site) -> None:
    again = ["add", "build", "-p", "image=mine", "--weekly", "sun 02:00", "--limit", "2h"]
    sb(site, *again)
    subprocess.run(["crontab", "-r"], check=True)
    listed = sb(site, "ls")
    assert listed.return_value == 3
    assert "timer is missing" in listed.stdout and "build: its timer is missing: sb schedule enable" in listed.stdout
    file = site.root / "schedules" / "build.json"
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    assert sb(site, *again).stdout.startswith("build: unchanged; ")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert crontab_lines() == [line(site, definition.load(site, "build"))]
    assert sb(site, *again[:-1], "3h").stdout.startswith("build: changed; ")


def test_another_notebook_or_image_does_not_take_the_name_unasked(site: Site) -> None:
    sb(site, "add", "build", "-p", "image=one", "--hourly")
    with pytest.raises(DefinitionError, match="with other parameters") as refused:
        sb(site, "add", "build", "-p", "image=two", "--hourly")
    assert "--name OTHER" in str(refused.value)
    sb(site, "add", "build", "-p", "image=two", "--hourly", "--replace")
    assert definition.load(site, "build").values == {"image": "two"}
    assert len(crontab_lines()) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["nobody", "--hourly"], "no notebook 'nobody'"),
        (["build", "-p", "imaeg=x", "--hourly"], "has no parameter 'imaeg'\n  Did you mean image?"),
        (["build", "-p", "image", "--hourly"], "a value is missing\n  -p image=VALUE"),
        (["build", "--daily", "2am"], "no time of the day"),
        (["build", "--hourly", "--name", "../x"], "no name of a schedule"),
        (["build", "--hourly", "--limit", "0m"], "no time limit"),
        (["build", "--hourly", "--limit", "5w"], "no time limit of at most 4 weeks"),
        (["build", "--hourly", "--limit", "soon"], "no duration"),
        (["build", "--hourly", "--on-success"], "nobody is to be told"),
        (["build", "--hourly", "--command", "/etc/passwd"], "is no program"),
        (["build", "--hourly", "--mail", "-f x"], "no address"),
        (["build", "--hourly", "-p", "image=planted-secret"], "image holds a secret"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_nothing(site: Site, given: list[str], said: str) -> None:
    site.set("passwd", "ipmi", username="admin", password="planted-secret")
    with pytest.raises(SbkernelError) as refused:
        sb(site, "add", *given)
    assert said in str(refused.value)
    assert "planted-secret" not in str(refused.value)
    assert crontab_lines() == [] and not (site.root / "schedules").exists()


@pytest.mark.parametrize("given", [[], ["--hourly", "--daily", "02:00"]])
def test_one_time_is_given(site: Site, given: list[str]) -> None:
    done = sb(site, "add", "build", *given)
    assert "with one of --daily, --weekly, --hourly, --cron, --every" in str(done.exception)


def test_a_parameter_with_the_name_of_a_secret_takes_a_reference(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "login.ipynb"
    cell = new_code_cell("api_token: str = ''", metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[cell], metadata=METADATA), path)
    with pytest.raises(RecordError, match="api_token holds a secret"):
        sb(site, "add", str(path), "-p", "api_token=x", "--hourly")
    done = sb(site, "add", str(path), "-p", "api_token=env:TOKEN", "--hourly")
    assert "$TOKEN has to be set where cron starts it" in done.stderr


def test_a_webhook_is_shown_without_what_is_secret_in_it(site: Site) -> None:
    sb(site, "add", "build", "--hourly", "--webhook", "https://hooks.example.org/very-secret")
    shown = sb(site, "show", "build").output + sb(site, "ls").output + html_of(schedule.ls(site))
    assert "very-secret" not in shown and f"https://hooks.example.org/{HIDDEN}" in shown
    assert (site.root / "schedules" / "build.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "daily"}', '{"kind": "daily", "at": "x", "notebook": "b"}',
                                  '{"kind": "hourly", "notebook": "b", "more": 1}', "\xff"])  # fmt: skip
def test_a_damaged_schedule_hides_no_other_and_can_be_replaced(site: Site, text: str) -> None:
    sb(site, "add", "build", "--hourly")
    sb(site, "add", "build", "--hourly", "--name", "good")
    file = site.root / "schedules" / "build.json"
    file.write_text(text, "latin-1")
    listed = sb(site, "ls")
    assert listed.return_value == 3
    assert "good" in listed.stdout and "unreadable" in listed.stdout and f"{file}:1: " in listed.stdout
    with pytest.raises(DefinitionError, match=r"build\.json:1: "):
        sb(site, "add", "build", "--hourly")
    sb(site, "add", "build", "--hourly", "--replace")
    assert definition.load(site, "build").kind == "hourly"
    file.write_text(text, "latin-1")
    sb(site, "rm", "build")
    assert len(crontab_lines()) == 1


@pytest.mark.parametrize("verb", ["show", "run", "enable", "disable", "rm"])
def test_a_name_that_is_none_names_those_that_are(site: Site, verb: str) -> None:
    sb(site, "add", "build", "--hourly")
    with pytest.raises(NotFoundError, match="no schedule 'biuld'\n  there are: build"):
        sb(site, verb, "biuld")
    assert not (site.log / "schedules").exists() or list((site.log / "schedules").iterdir()) == []


def test_what_is_shown_makes_the_same_schedule(site: Site, notebook: Callable[..., Path]) -> None:
    made = Schedule(
        name="odd", notebook=str(notebook("pass", name="it's odd")), kind="cron", at="30 2 * * mon-fri", limit="90m",
        values={"image": "a 'b' $c", "count": -1, "force": True, "nodes": ["x", "ä y"]},
        tell=Tell(mail="root", webhook="file:/x", success=True),
    )  # fmt: skip
    sb(site, *words(made)[2:])
    assert definition.load(site, "odd") == made
    sb(site, "rm", "odd")
    eval(python(made), {"schedule": schedule, "site": site, "When": When, "Tell": Tell})
    assert definition.load(site, "odd") == made


def test_a_listing_shows_how_runs_went(site: Site) -> None:
    sb(site, "add", "build", "--hourly")
    record = site.records / "2026" / "11" / "<b>.html"
    record.parent.mkdir(parents=True)
    record.write_text("")
    last.write(site, "build", Last(
        run="x", started=1.0, ended=2.0, status="failed", why="Error: <b>\x1b[31m", record="2026/11/<b>.ipynb",
        untold="mail: no",
    ))  # fmt: skip
    listed = sb(site, "ls")
    assert "failed, not told  <b>.html" in listed.stdout and "\x1b" not in listed.stdout
    assert "build: not told by mail: no" in listed.stdout
    page = html_of(schedule.ls(site))
    assert "<b>" not in page and "%3Cb%3E.html" in page and "1 to be looked at" in page


def test_listing_needs_no_notebook_library(site: Site) -> None:
    code = (
        "import sys\nfrom sbkernel.cli.main import main\n"
        f"try: main(['--site', {str(site.root)!r}, 'schedule', 'ls'])\nexcept SystemExit: pass\n"
        "assert not {'papermill', 'nbformat', 'pandas', 'pydantic', 'IPython'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_file_of_a_schedule_can_be_read_by_people(site: Site) -> None:
    sb(site, "add", "build", "-p", "image=mine", "--daily", "02:00")
    kept = json.loads((site.root / "schedules" / "build.json").read_text())
    assert kept["notebook"] == "build" and kept["at"] == "02:00" and kept["values"] == {"image": "mine"}
