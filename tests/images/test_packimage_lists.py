"""packimage says what its exclude list does not do, and packs all the same, as xCAT does."""

from pathlib import Path

import pytest
from test_packimage import define, plant

from sbkernel.errors import ListFileError
from sbkernel.images.packimage import packimage
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site


class Log(NullReport):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


def test_warnings_of_the_exclude_list_are_logged(tmp_path: Path) -> None:
    listed = tmp_path / "x.exlist"
    listed.write_text("usr/share/doc*\n# note\n./tmp/*  \n./tmp/*\n./tmp/*\n")
    log = Log()
    with Site.open(tmp_path / "site") as site:
        define(site, "small", tmp_path / "built", exlist=str(listed))
        plant(tmp_path / "built")
        packimage(site, "small", report=log)
    assert [line for line in log.lines if line.startswith(str(listed))] == [
        f"{listed}:1:1: warning: 'usr/share/doc*' matches nothing: patterns begin with ./",
        f"{listed}:3:1: warning: './tmp/*  ' matches nothing: xCAT keeps the blank at its end",
    ]


def test_a_list_that_includes_what_is_gone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.exlist").write_text("#INCLUDE:gone#\n")
    with Site.open(tmp_path / "site") as site:
        define(site, "small", tmp_path / "built", exlist=str(tmp_path / "x.exlist"))
        plant(tmp_path / "built")
        with pytest.raises(ListFileError, match=r"x.exlist:1: Unable to open the included file"):
            packimage(site, "small")
