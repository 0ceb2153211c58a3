"""The rows of power on a few BMCs: both sides find the same, and nothing is left running."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from waiting import until_async as until

from sbkernel.bench import powerfloor
from sbkernel.bench.power import rows_of
from sbkernel.bench.row import Goal
from sbkernel.bench.workspace import workspace
from sbkernel.errors import ServiceError
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.simulator import BmcServer, PretendMachine, SimulatedBmc, serve


def test_both_sides_find_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    with workspace(said.append, runs=1, where=tmp_path / "work") as work:
        # ipmipower gives dead BMCs 20 s: the last row is left out.
        rows = list(itertools.islice(rows_of(work, 4), 5))
    kinds = [row.name.partition(", ")[2] for row in rows]
    assert kinds == ["command, cold", "command, warm", "inside, cold", "inside, warm", "1 % loss"]
    # How long they take is the machine's business; what they find is not. A lost packet may cost ipmipower a node.
    assert [row.checks[0].found for row in rows[:4]] == ["4 answered, 0 did not; 4 answered, 0 did not"] * 4
    assert not (tmp_path / "work" / "freeipmi.conf").exists()
    floors = [note for row in rows for note in row.notes if note.startswith("floor, ")]
    assert len(floors) == 1 and floors[0] in rows[3].notes


async def _bmc(number: int) -> tuple[BmcServer, BmcLogin]:
    bmc = SimulatedBmc(PretendMachine(), {b"user": b"secret"}, name=f"n{number}")
    server = await serve(bmc)
    return server, BmcLogin(f"n{number}", *server.address, b"user", b"secret")


async def test_the_floor_is_what_the_bmcs_take_and_each_of_them_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powerfloor, "_ANSWER_S", 1.0)
    bmcs = [await _bmc(number) for number in range(3)]
    logins = [login for _, login in bmcs]
    for server, _ in bmcs:
        server.bmc.faults.slow_s[0, 1] = 0.2
    seconds = await asyncio.to_thread(powerfloor.floor, logins, 2)
    assert len(seconds) == 2 and all(0.2 <= one < 2 for one in seconds)
    assert [server.bmc.state.arrived[0, 1] for server, _ in bmcs] == [2, 2, 2]
    bmcs[1][0].bmc.faults.unheard = frozenset({(0, 1)})
    with pytest.raises(ServiceError, match="the simulator answered 2 of 3 requests"):
        await asyncio.to_thread(powerfloor.floor, logins, 1)
    await until(lambda: not any(server.bmc.sessions for server, _ in bmcs))
    for server, _ in bmcs:
        server.close()


def test_the_floor_says_when_no_client_reaches_the_goal() -> None:
    reached = powerfloor.note((0.09, 0.1, 0.2), (0.5, 1.0, 2.0), Goal(0.2))
    assert reached == "floor, sealed requests sent in bulk and nothing decoded: 100 ms, ratio 0.10"
    missed = powerfloor.note((0.3,), (1.0,), Goal(0.2))
    assert missed.endswith("300 ms, ratio 0.30; no client reaches 0.2 beside this simulator on this machine")
