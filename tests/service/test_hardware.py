"""rinv, rvitals, reventlog and rbeacon, through the service, beside each other over IPMI and Redfish."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from service_rig import PASSWORD, USER, Bmcs

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.nodes.results import rows_of
from sbkernel.nodes.simulator import PretendMachine
from sbkernel.nodes.simulator.redfish import SimulatedRedfish, serve_redfish, tls
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site


@pytest.fixture
def redfish(site: Site, bmcs: Bmcs) -> Iterator[SimulatedRedfish]:
    bmc = SimulatedRedfish(PretendMachine(), {USER: PASSWORD}, name="r1")
    served = serve_redfish(bmc, context=tls())
    server = asyncio.run_coroutine_threadsafe(served, bmcs.loop).result(60)
    address = {"bmc": f"127.0.0.1:{server.address[1]}", "bmcusername": USER, "bmcpassword": PASSWORD}
    site.set("node", "r1", groups="all", mgt="openbmc", **address)
    yield bmc
    asyncio.run_coroutine_threadsafe(server.close(), bmcs.loop).result(60)


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words])


@pytest.mark.usefixtures("service")
def test_one_report_a_node_whatever_its_controller(site: Site, bmcs: Bmcs, redfish: SimulatedRedfish) -> None:
    bmcs.add(site, "n1")
    site.set("node", "k1", groups="all", mgt="kvm", vmhost="localhost")
    site.set("node", "x1", groups="all", power="ipmi")
    reports = {one.node: one for one in verbs.rinv(site, "all", "mprom")}
    assert {node: one.text for node, one in reports.items() if one.ok} == {
        "n1": "BMC Firmware: 1.00",
        "r1": "BMC Firmware: 2.71",
    }
    assert reports["k1"].text == "kvm tells nothing of hardware" and reports["k1"].hint
    assert "relevant tables: nodehm.mgt" in reports["x1"].text
    frame = pd.DataFrame(rows_of(list(reports.values()))).set_index("node")
    assert frame.loc["r1", "value"] == "2.71" and list(frame.columns) == ["kind", "name", "value"]
    redfish.events.append({"Created": "2026-11-29T08:00:00Z", "Message": "it broke", "Severity": "Critical"})
    assert pd.DataFrame(rows_of(verbs.reventlog(site, "r1", 1)))["event"].to_list() == ["it broke"]
    assert PASSWORD not in repr(reports)


@pytest.mark.usefixtures("service")
def test_each_line_names_its_node(site: Site, bmcs: Bmcs, redfish: SimulatedRedfish) -> None:
    bmcs.add(site, "n1")
    done = sb(site, "rvitals", "n1,r1", "temp")
    assert done.stdout.splitlines() == ["r1: Ambient Temp: 24 C (75 F)", "r1: CPU 1 Temp: N/A"]
    assert "n1: [" in done.stderr and "its BMC has no sensor records (SDR)" in done.stderr
    assert sb(site, "rbeacon", "r1", "blink").stdout == "r1: blink\n"
    assert (redfish.beacon, sb(site, "rbeacon", "r1", "stat").stdout) == ("Blinking", "r1: blink\n")
    assert sb(site, "reventlog", "r1", "clear").stdout == "r1: clear\n"
    assert sb(site, "reventlog", "r1", "-s").stdout == "r1: no entries in its event log\n"
    assert sb(site, "rpower", "r1", "on").stdout == "r1: on\n"
    assert sb(site, "rsetboot", "r1", "net", "-u").stdout == "r1: Network\n"
    assert redfish.machine.boot is not None and redfish.machine.boot.uefi


@pytest.mark.parametrize(
    "words",
    [("rinv", "n1", "everything"), ("rvitals", "n1", "heat"), ("reventlog", "n1", "0"), ("rbeacon", "n1", "up")],
)
def test_a_wrong_word_names_the_right_ones_and_starts_nothing(site: Site, words: tuple[str, ...]) -> None:
    done = sb(site, *words)
    assert done.exit_code == 1
    assert f"unsupported command {words[0]} {words[2]}" in str(done.exception) and words[0] in str(done.exception)
    assert Service(site).status() is None


def test_stopping_the_service_deletes_the_sessions(site: Site, service: Service, redfish: SimulatedRedfish) -> None:
    assert [one.text for one in verbs.rpower(site, "r1", "stat")] == ["off"]
    assert redfish.sessions
    service.stop()
    assert not redfish.sessions
    log = (site.log / "service.log").read_text()
    assert PASSWORD not in log and "Traceback" not in log


def test_no_client_imports_what_talks_to_bmcs() -> None:
    names = [f"sbkernel.cli.nodes.{verb}" for verb in ("rinv", "rvitals", "reventlog", "rbeacon", "rpower", "rsetboot")]
    code = f"import sys\nfor name in {names}: __import__(name)\nprint({{'pyghmi', 'aiohttp'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert done.stdout == "set()\n"
