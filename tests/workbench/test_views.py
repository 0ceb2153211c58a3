"""What the views say of real definitions, jobs and boots."""

import asyncio
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sbkernel import workbench as wb
from sbkernel.definitions.editing.definition_diff import list_files
from sbkernel.errors import JobError, NodeError
from sbkernel.jobs import job as jobs
from sbkernel.netboot import bootlog
from sbkernel.nodes.results import NodeResult
from sbkernel.site import Site
from sbkernel.workbench.jobs import job_card

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    with Site.open(tmp_path / "site") as opened:
        yield opened


def test_nobody_is_there_in_a_test_and_the_engine_can_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not wb.interactive()
    monkeypatch.setenv("SBK_HEADLESS", "0")
    assert wb.interactive()


def test_the_lists_of_a_clone_are_shown(site: Site) -> None:
    clone = site.clone(COMPUTE, "mine")
    pkglist = list_files(clone)[0].path
    pkglist.write_text(pkglist.read_text() + "tmux\n<odd>\n")
    assert "tmux\n&lt;odd&gt;" in wb.lists(clone).html


def test_a_list_file_that_is_missing_is_said(site: Site) -> None:
    clone = site.clone(COMPUTE, "mine")
    list_files(clone)[0].path.unlink()
    assert "No such file" in wb.lists(clone).html


def test_a_secret_attribute_is_hidden(site: Site) -> None:
    site.set("node", "n1", groups="all", mgt="ipmi", bmc="10.0.0.1", bmcusername="u", bmcpassword="hunter2")
    shown = wb.definition(site.nodes["n1"])
    assert "hunter2" not in shown.html + shown.text


def test_a_finished_job(site: Site) -> None:
    job = jobs.start(site, "genimage", "view_targets:good", image="compute").wait(30)
    now = job_card.snapshot(job)
    assert job_card.line(now).startswith("genimage compute: succeeded (")
    page = job_card.render(now)
    assert "install &lt;all&gt;" in page
    assert "Setting up vim" in page


def test_a_failed_job_says_why(site: Site) -> None:
    job = jobs.start(site, "genimage", "view_targets:bad")
    with pytest.raises(JobError):
        job.wait(30)
    now = job_card.snapshot(job)
    assert "no disk" in job_card.line(now)
    assert now.broken == {"install"}
    assert "✕" in job_card.render(now)


def test_a_job_that_found_nothing_to_do_says_so(site: Site) -> None:
    job = jobs.start(site, "genimage", "view_targets:nothing", image="compute").wait(30)
    assert "nothing to do" in job_card.line(job_card.snapshot(job))
    assert "nothing to do" in job_card.render(job_card.snapshot(job))


def test_an_awaited_view_settles_and_returns_the_job(site: Site) -> None:
    async def wait() -> jobs.Job:
        return await wb.show(jobs.start(site, "packimage", "view_targets:good", image="compute"))

    view_of = wb.JobView(asyncio.run(wait()))
    assert view_of.about()["digest"] == "ab" * 32
    assert view_of.about()["image"] == "compute"


def test_a_frame_keeps_its_numbers_right_and_cuts_what_is_long() -> None:
    frame = pd.DataFrame({"name": ["a<b"] * 5, "size": [1_500_000] * 5, "share": [0.25] * 5})
    shown = wb.table(frame, rows=2)
    assert shown.html.count("a&lt;b") == 2
    assert "1.5 MB" in shown.html
    assert "and 3 more" in shown.html
    assert "text-align:right" in shown.html


def test_a_node_table_tells_power_only_when_it_was_asked(site: Site) -> None:
    site.set("node", "n1", groups="all", provmethod="compute", status="booting")
    table = wb.NodeTable(site, "all")
    assert table.text() == "n1: ? booting compute"
    table.take([NodeResult("n1", True, "on reset")])
    assert table.text() == "n1: on booting compute"
    table.take([NodeResult("n1", False, "Error: no answer <10.0.0.1>")])
    assert "no answer &lt;10.0.0.1&gt;" in table.html()


def test_the_console_keeps_its_last_lines(site: Site) -> None:
    view = wb.ConsoleView(site, "vn1", lines=2)
    assert "no console output" in view.text()
    (site.consoles / "vn1.log").write_bytes(b"one\r\n\x1b[32mtwo\x1b[0m\r\nvn1 login: \r\n\r\n")
    assert view.text() == "two\nvn1 login: "
    assert "color:" in view.html()


def boot(site: Site, *stages: str, t: float | None = None, node: str = "vn1") -> None:
    for stage in stages:
        bootlog.append(site, node, stage, t, image="cd" * 32 if stage == "userspace" else None)


def test_a_boot_ends_at_login_with_the_digest_that_the_node_reports(site: Site) -> None:
    site.set("node", "vn1", groups="all", mgt="ipmi", cons="ipmi")
    view = wb.BootView(site, ["vn1"])
    boot(site, "power-on", "kernel", "userspace", "login")
    assert asyncio.run(_await(view)) == {"vn1": "cd" * 32}
    assert all(stage in view.html() for stage in ("power-on", "kernel", "userspace", "login"))


def test_the_login_of_an_earlier_boot_does_not_count(site: Site) -> None:
    site.set("node", "vn1", groups="all")
    boot(site, "power-on", "userspace", "login", t=time.time() - 60)
    view = wb.BootView(site, ["vn1"], timeout_s=0.2)
    assert view.text() == "vn1: waiting"
    boot(site, "power-on", "kernel")
    with pytest.raises(NodeError, match=r"no userspace within 0\.2 s"):
        asyncio.run(_await(view))


def test_a_boot_is_not_over_before_both_ends_were_seen(site: Site) -> None:
    site.set("node", "vn1", groups="all", mgt="ipmi", cons="ipmi")
    view = wb.BootView(site, ["vn1"], timeout_s=0.2)
    boot(site, "power-on", "login")
    with pytest.raises(NodeError, match=r"no userspace within 0\.2 s"):
        asyncio.run(_await(view))


def test_a_failed_boot_raises_its_reason(site: Site) -> None:
    site.set("node", "vn1", groups="all")
    view = wb.BootView(site, ["vn1"])
    boot(site, "power-on", "kernel")
    bootlog.append(site, "vn1", "failed", reason="sha256 differs")
    with pytest.raises(NodeError, match="sha256 differs"):
        asyncio.run(_await(view))


def test_many_boots_are_one_table(site: Site) -> None:
    view = wb.BootView(site, [f"n{i}" for i in range(9)])
    assert "0 of 9 are up" in view.html()


def test_below_a_timeline_stands_why_the_boot_does_not_go_on(site: Site) -> None:
    site.set("node", "vn1", groups="all")
    boot(site, "power-on", "kernel", t=time.time() - 3600)
    shown = wb.timeline(site, "vn1")
    assert (
        "Stuck here, because" in shown.html
        and ">stuck<" in shown.html
        and "stuck at kernel for 1 h 0 min" in shown.html
    )
    assert shown.text.splitlines()[-1].startswith("vn1: stuck at kernel")
    boot(site, "power-on", "kernel")
    assert "Stuck here" not in wb.timeline(site, "vn1").html


def test_a_view_says_of_few_and_of_many_nodes_which_are_not_well_and_keeps_it(site: Site) -> None:
    for number in range(9):
        site.set("node", f"n{number}", groups="all")
    few, many = wb.BootView(site, ["n1"]), wb.BootView(site, [f"n{number}" for number in range(9)])
    boot(site, "power-on", "kernel", node="n1")
    assert "Stuck here" not in few.html() + many.html()
    bootlog.append(site, "n1", "failed", reason="too little memory for the <image>")
    for view in (few, many):
        with pytest.raises(NodeError, match="too little memory") as failed:
            asyncio.run(_await(view))
        assert "do: make the image smaller" in str(failed.value.hint)
        assert "too little memory for the &lt;image&gt;" in view.html()
        assert "too little memory for the <image>" in view.text()
    assert "Nodes that are not well" in many.html() and "Why it has failed" in few.html()


async def _await(view: wb.BootView) -> dict[str, str]:
    return await view


def test_a_table_shows_small_ratios_and_leaves_out_what_is_not_there() -> None:
    frame = pd.DataFrame({"ratio": [0.0834, None, 1234.56], "size": [1_000_000, None, 3], "met": [True, None, False]})
    cells = re.findall(r"<td[^>]*>([^<]*)", wb.table(frame).html)
    assert cells == ["0.0834", "1.0 MB", "True", "", "", "", "1234.6", "3 B", "False"]
