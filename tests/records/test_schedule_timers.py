"""What systemd and cron are given: the real programs read it, and find the run again."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from privatecron import as_cron_runs_it

from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.errors import CommandError, DefinitionError, ToolMissingError
from sbkernel.records.schedules import environment, timers
from sbkernel.records.schedules.crontab import Crontab, line
from sbkernel.records.schedules.definition import Schedule, Tell
from sbkernel.records.schedules.systemd import Systemd, unit_name, units
from sbkernel.site import Site

NIGHTLY = Schedule(name="nightly", notebook="build", kind="daily", at="02:00")
ODD = 'a site\'s $HOME 100% "odd" \\ é'


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Site]:
    """A site in a directory whose name has everything that shells, cron and systemd read as something else."""
    with Site.open(tmp_path / ODD) as opened:
        yield opened


def lines() -> list[bytes]:
    done = subprocess.run(["crontab", "-l"], capture_output=True)
    return done.stdout.splitlines()


def test_a_line_is_added_once_put_right_and_removed_and_no_other_is_touched(odd: Site, crontab: None) -> None:
    theirs = b"# by hand \xff\xfe\nMAILTO=root\n\n5 4 * * * echo '# sbkernel 00000000 nightly' > /dev/null\n"
    subprocess.run(["crontab", "-"], input=theirs, check=True)
    cron = Crontab(odd)
    assert not cron.holds(NIGHTLY)
    cron.install(NIGHTLY)
    cron.install(NIGHTLY)
    assert cron.holds(NIGHTLY)
    assert lines() == [*theirs.splitlines(), line(odd, NIGHTLY).encode()]
    later = Schedule(name="nightly", notebook="build", kind="daily", at="03:00")
    assert not cron.holds(later)
    cron.install(later)
    assert lines()[-1].startswith(b"0 3 * * * ") and len(lines()) == len(theirs.splitlines()) + 1
    cron.remove("nightly")
    cron.remove("nightly")
    assert lines() == theirs.splitlines()


def test_a_line_that_somebody_has_commented_out_is_not_there(odd: Site, crontab: None) -> None:
    subprocess.run(["crontab", "-"], input=b"#" + line(odd, NIGHTLY).encode() + b"\n", check=True)
    assert not Crontab(odd).holds(NIGHTLY)
    Crontab(odd).install(NIGHTLY)
    assert lines() == [line(odd, NIGHTLY).encode()]


def test_the_last_line_leaves_no_crontab_behind(odd: Site, crontab: None) -> None:
    Crontab(odd).install(NIGHTLY)
    Crontab(odd).remove("nightly")
    assert subprocess.run(["crontab", "-l"], capture_output=True).returncode == 1


def test_two_sites_keep_their_lines_apart(odd: Site, tmp_path: Path, crontab: None) -> None:
    with Site.open(tmp_path / "other") as other:
        for site in (odd, other):
            Crontab(site).install(NIGHTLY)
        Crontab(other).remove("nightly")
    assert lines() == [line(odd, NIGHTLY).encode()]


def test_a_crontab_that_may_not_be_read_is_not_an_empty_one(
    odd: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "crontab"
    program.write_text("#!/bin/sh\necho 'You (x) are not allowed to use this program (crontab)' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CommandError, match="not allowed") as refused:
        Crontab(odd).install(NIGHTLY)
    assert "may " in str(refused.value.hint)


def test_cron_runs_what_is_meant(odd: Site) -> None:
    """The shell and the percent signs of cron leave each word as it was; there is no such schedule, which is said."""
    done = as_cron_runs_it(line(odd, NIGHTLY), Path.home())
    assert done.returncode == 1
    assert done.stderr.startswith(f"schedule nightly of {odd.root}: no schedule 'nightly'")
    assert done.stdout == ""


def test_systemd_reads_the_units_without_a_remark(odd: Site, tmp_path: Path) -> None:
    either = Schedule(name="odd-days", notebook="build", kind="cron", at="30 2 1 * mon")
    for schedule in (NIGHTLY, either):
        texts = units(odd, schedule)
        for unit, text in texts.items():
            (tmp_path / unit).write_text(text)
            assert text.startswith("# Read by systemd: ")
        done = subprocess.run(
            ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in texts)], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
    (timer,) = (text for unit, text in units(odd, either).items() if unit.endswith(".timer"))
    assert timer.count("OnCalendar=") == 2 and "Persistent=true" in timer


def test_a_site_whose_path_no_timer_can_hold_is_refused(tmp_path: Path) -> None:
    with Site.open(tmp_path / "a\nb") as site, pytest.raises(DefinitionError, match="cannot be written"):
        line(site, NIGHTLY)


def test_units_of_sites_have_different_names(odd: Site, tmp_path: Path) -> None:
    with Site.open(tmp_path / "other") as other:
        assert unit_name(odd, "nightly", "timer") != unit_name(other, "nightly", "timer")


RECORDING = """#!/bin/sh
# A systemctl that answers as one of a running systemd does, and enables by the real one, which needs none for that.
echo "$*" >> {log}
[ "$1" = --user ] && shift
case "$1" in
    enable) exec /usr/bin/systemctl --root={root} enable "$2" ;;
    disable) exec /usr/bin/systemctl --root={root} disable "$3" ;;
    is-active) test -L {root}/etc/systemd/system/timers.target.wants/"$3" ;;
esac
"""


@pytest.fixture
def systemd(odd: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """Timers below a root of our own."""
    root = tmp_path / "root"
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "systemctl"
    program.write_text(RECORDING.format(log=shlex.quote(str(tmp_path / "asked")), root=shlex.quote(str(root))))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    made = Systemd(odd)
    made.directory = root / "etc/systemd/system"
    return made


def test_a_timer_is_enabled_found_missing_put_right_and_removed(systemd: Systemd, odd: Site, tmp_path: Path) -> None:
    assert systemd.works() and not systemd.holds(NIGHTLY)
    systemd.install(NIGHTLY)
    assert systemd.holds(NIGHTLY)
    wanted = systemd.directory / "timers.target.wants" / unit_name(odd, "nightly", "timer")
    assert wanted.is_symlink()
    (tmp_path / "asked").write_text("")
    systemd.install(NIGHTLY)
    assert "daemon-reload" not in (tmp_path / "asked").read_text()
    service = systemd.directory / unit_name(odd, "nightly", "service")
    service.write_text(service.read_text() + "# edited\n")
    assert not systemd.holds(NIGHTLY)
    systemd.install(NIGHTLY)
    assert systemd.holds(NIGHTLY)
    systemd.remove("nightly")
    systemd.remove("nightly")
    assert not wanted.is_symlink() and [path for path in systemd.directory.iterdir() if path.is_file()] == []


def test_systemd_goes_before_cron_and_one_of_them_starts_a_run(
    systemd: Systemd, odd: Site, crontab: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "Systemd", lambda _site: systemd)
    Crontab(odd).install(NIGHTLY)
    assert timers.install(odd, NIGHTLY).name == "systemd"
    assert lines() == [] and systemd.holds(NIGHTLY)


def test_without_systemd_and_cron_the_remedy_is_said(
    odd: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "found", lambda _site: [])
    with pytest.raises(ToolMissingError, match="nothing here starts programs") as refused:
        timers.check(odd)
    assert "apt-get install --no-install-recommends cron" in str(refused.value)


def test_a_run_finds_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://example.org/x")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    schedule = Schedule(name="x", notebook="b", kind="hourly", tell=Tell(webhook="env:HOOK"), values={"a": "env:GONE"})
    given = {name: value for name, value in environment.minimal(schedule).items() if value is not None}
    assert given.pop("HOOK") == "https://example.org/x"
    assert given.pop("PATH") == "/usr/bin:/bin"
    assert set(given) <= {"HOME", "LOGNAME", "USER", "SHELL", "PYTHONPATH"}
    assert environment.referred(schedule) == ["GONE", "HOOK"]


def test_a_database_goes_along_but_no_password(odd: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, "postgresql://me@db/site")
    schedule = Schedule(name="x", notebook="b", kind="hourly", database=environment.database())
    assert f"{SERVER_VARIABLE}=postgresql://me@db/site {sys.executable}" in line(odd, schedule)
    monkeypatch.setenv(SERVER_VARIABLE, "postgresql://me:hunter22@db/site")
    with pytest.raises(DefinitionError, match="holds a password") as refused:
        environment.database()
    assert "hunter22" not in str(refused.value)
