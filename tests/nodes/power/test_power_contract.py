"""What every implementation of Power does: the same suite for each, with the real thing behind it."""

from __future__ import annotations

import pytest
from subjects import WAYS, Subject
from waiting import until_async as until

from sbkernel.nodes import rpower as verb
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError
from sbkernel.nodes.methods import METHODS
from sbkernel.nodes.power import READS, BootDevice, BootOverride, PowerChange
from sbkernel.nodes.rpower import carry_out


async def test_a_node_is_switched_on_and_off(subject: Subject) -> None:
    assert await subject.power.status() is False
    await subject.power.change(PowerChange.ON)
    await until(subject.powered)
    assert await subject.power.status() is True
    await subject.power.change(PowerChange.OFF)
    await until(lambda: not subject.powered())
    assert await subject.power.status() is False


def test_every_method_is_held_to_it() -> None:
    # openbmc is redfish by another name.
    assert {name.partition("-")[0] for name in WAYS} == set(METHODS) - {"openbmc"}


@pytest.mark.parametrize("change", [PowerChange.RESET, PowerChange.CYCLE])
async def test_a_running_node_starts_anew(subject: Subject, change: PowerChange) -> None:
    await subject.power.change(PowerChange.ON)
    await until(subject.powered)
    await subject.power.change(change)
    await until(lambda: subject.starts() == 1)
    await until(subject.powered)
    assert await subject.power.status() is True


async def test_an_operating_system_can_be_asked_to_shut_down(subject: Subject) -> None:
    await subject.power.change(PowerChange.ON)
    await until(subject.powered)
    await subject.power.change(PowerChange.SOFT_OFF)


async def test_what_is_done_already_is_no_error(subject: Subject) -> None:
    await subject.power.change(PowerChange.OFF)
    await subject.power.change(PowerChange.ON)
    await subject.power.change(PowerChange.ON)
    assert await subject.power.status() is True


async def test_the_boot_device_is_set_and_put_back(subject: Subject) -> None:
    assert await subject.power.boot() is None
    for override in (BootOverride(BootDevice.NETWORK), BootOverride(BootDevice.CD, persistent=True, uefi=True)):
        await subject.power.set_boot(override)
        await until(lambda device=override.device: subject.told() == device)
        assert await subject.power.boot() == (override if subject.reads_back else None)
    await subject.power.set_boot(None)
    assert await subject.power.boot() is None


async def test_asking_again_changes_nothing(subject: Subject) -> None:
    await subject.power.change(PowerChange.ON)
    await subject.power.set_boot(BootOverride(BootDevice.CD))
    for call in READS:
        assert await getattr(subject.power, call)() == await getattr(subject.power, call)()
    await until(subject.powered)
    assert (subject.starts(), subject.told()) == (0, BootDevice.CD)


async def test_a_slow_answer_is_waited_for_and_nothing_is_sent_twice(subject: Subject) -> None:
    await subject.power.change(PowerChange.ON)
    await until(subject.powered)
    await subject.power.status()
    subject.wire.sent, subject.wire.delay_s = 0, 3
    await subject.power.change(PowerChange.RESET)
    assert subject.wire.sent == 1
    await until(lambda: subject.starts() == 1)


async def test_a_reset_without_an_answer_says_what_may_have_happened(subject: Subject) -> None:
    await subject.power.change(PowerChange.ON)
    await until(subject.powered)
    await subject.power.status()
    subject.set_patience(2)
    subject.wire.sent, subject.wire.lose_answers = 0, 1
    with pytest.raises(LostAnswerError, match=r"n1: sent, no answer from .*; the node may have been reset") as caught:
        await carry_out(subject.power, PowerChange.RESET)
    assert "before you send it again" in str(caught.value.hint)
    assert subject.wire.sent == 2  # the reset, and the question whether the node has power
    await until(lambda: subject.starts() == 1)


async def test_a_change_whose_answer_is_lost_is_seen_in_the_state(subject: Subject) -> None:
    assert await subject.power.status() is False
    subject.set_patience(2)
    subject.wire.lose_answers = 1
    await carry_out(subject.power, PowerChange.ON)
    assert await subject.power.status() is True


async def test_a_change_that_is_lost_is_reported_and_not_sent_again(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "SETTLE_S", 0)
    assert await subject.power.status() is False
    await subject.power.boot()  # IPMI asks for more than a user's privilege before this, and not before the change
    subject.set_patience(2)
    subject.wire.sent, subject.wire.lose_requests = 0, 1
    with pytest.raises(LostAnswerError, match=r"sent, no answer from .*; the node is still off"):
        await carry_out(subject.power, PowerChange.ON)
    assert subject.wire.sent == 2
    assert not subject.powered()


async def test_when_nothing_answers_nothing_was_sent(subject: Subject) -> None:
    subject.set_patience(1)
    subject.wire.cut = True
    for call in (subject.power.status(), subject.power.boot()):
        with pytest.raises(NoAnswerError, match="n1: no answer from") as caught:
            await call
        assert type(caught.value) is NoAnswerError
        assert caught.value.hint
