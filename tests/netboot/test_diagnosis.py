"""Why a boot does not go on: from its events and its console, against what is usual. Pure."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sbkernel.netboot import bootlog
from sbkernel.netboot.diagnosis import rules
from sbkernel.netboot.diagnosis.diagnose import diagnose
from sbkernel.netboot.diagnosis.seen import ConsoleEnd, Diagnosis, Seen
from sbkernel.netboot.diagnosis.usual import LIMITS_S, Usual, attempts, limits, usual

STEPS = ("power-on", "dhcp", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "login")
EVERY_S = 10.0
LONG_AFTER = 5000.0
EARLIER = usual([[{"t": number * EVERY_S, "stage": stage} for number, stage in enumerate(STEPS)]] * 20)


def boot(until: str, **last: object) -> list[bootlog.BootEvent]:
    """A boot with a stage every ten seconds up to one, which says further things."""
    reached = STEPS[: STEPS.index(until) + 1]
    events: list[bootlog.BootEvent] = [
        {"t": 100 + number * EVERY_S, "stage": one} for number, one in enumerate(reached)
    ]
    events[-1] |= last
    return events


def said(
    events: list[bootlog.BootEvent],
    console: str = "",
    now: float = LONG_AFTER,
    line: str = "connected",
    power: str = "",
) -> Diagnosis:
    shown = ConsoleEnd("log/consoles/n1.log", 0, console.encode(), console, now - 1 if console else None)
    return diagnose(Seen("n1", events, "log/boot/n1.jsonl", shown, line, power), EARLIER, now)


FAILED = [
    ("too little memory for the image", rules.MEMORY),
    ("the signature of the image is wrong", rules.SIGNATURE),
    ("the image has no signature", rules.SIGNATURE),
    ("the image that was signed is another one", rules.SIGNATURE),
    ("the root image is not the one that was published", rules.CHECKSUM),
    ("the root image is not the one that was published: dm-verity: data block 7 is corrupted", rules.CHECKSUM),
    ("the root image could not be fetched", rules.FETCH),
    ("the root image cannot be mounted", rules.ROOT),
    ("the image has no /sbin/init", rules.ROOT),
    ("the kernel has no squashfs", rules.ROOT),
    ("no answer from a DHCP server", rules.NO_NETWORK),
    ("no network card", rules.NO_NETWORK),
    ("postscripts failed: setup-ib", rules.SCRIPTS),
    ("Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", rules.ROOT),
    ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009", rules.PANIC),
    ("You are in emergency mode. After logging in, type", rules.EMERGENCY),
]


@pytest.mark.parametrize(("reason", "cause"), FAILED)
def test_a_reported_reason_has_a_cause_and_a_remedy(reason: str, cause: str) -> None:
    failed = said([*boot("initrd"), {"t": 150.0, "stage": "failed", "reason": reason}], now=210)
    assert (failed.state, failed.stage, failed.waited_s) == ("failed", "initrd", 60)
    assert (failed.cause, failed.detail) == (cause, reason)
    assert failed.do
    assert failed.evidence[0].line == reason and "log/boot/n1.jsonl, failed at" in failed.evidence[0].where


ENDS = [
    ("kernel", "[    2.1] Kernel panic - not syncing: Attempted to kill init!", rules.PANIC),
    ("kernel", "[    1.2] Initramfs unpacking failed: write error", rules.MEMORY),
    ("mounted", "You are in emergency mode. After logging in, type \"journalctl -xb\"", rules.EMERGENCY),
    ("mounted", "Cannot open access to console, the root account is locked.", rules.EMERGENCY),
    ("kernel", "Press Enter for emergency shell or wait 5 minutes 0 seconds for reboot.", rules.EMERGENCY),
    ("ipxe", "n1 did not boot: its kernel or initrd could not be loaded, 6 tries", rules.NO_KERNEL),
    ("power-on", "Nothing is set for this machine: MAC 52:54:00:12:34:56, UUID 1", rules.NO_BOOT_FILE),
    ("power-on", "No bootable device.", rules.NO_DHCP),
    ("kernel", "  reason    no answer from a DHCP server", rules.NO_NETWORK),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "line", "cause"), ENDS)
def test_an_end_on_the_console_counts_at_once(stage: str, line: str, cause: str) -> None:
    now = boot(stage)[-1]["t"] + 1
    failed = said(boot(stage), f"before\n{line}\nafter\n", now=now)
    assert (failed.state, failed.cause) == ("failed", cause)
    byte = f"before\n{line}".index(line.strip())
    assert failed.evidence[0].line == line.strip() and failed.evidence[0].where == f"log/consoles/n1.log, byte {byte}"


WAITS = [
    ("power-on", "PXE-E51: No DHCP or proxyDHCP offers were received.", rules.NO_DHCP),
    ("power-on", "No configuration methods succeeded (https://ipxe.org/040ee119)", rules.NO_DHCP),
    ("power-on", "Booting from Hard Disk...", rules.DISK),
    ("dhcp", "PXE-E53: No boot filename received", rules.NO_BOOT_FILE),
    ("dhcp", "PXE-E32: TFTP open timeout", rules.NO_BOOT_FILE),
    ("ipxe", "n1: the image could not be loaded, try 1 of 6; next one in 5 seconds", rules.NO_KERNEL),
    ("kernel", "sbkernel [   22.10] eth0: no answer from a DHCP server (try 2 of 6)", rules.NO_NETWORK),
    ("kernel", "sbkernel [   22.10] eth0: no link after 15 s; asking DHCP anyway", rules.NO_NETWORK),
    ("initrd", "sbkernel [  40.00] http://x: nothing came for 20 s; 5 bytes so far, try 2 of 12 in 1 s", rules.FETCH),
    ("initrd", "cp: write error: No space left on device", rules.NO_SPACE),
    ("mounted", "[ *** ] A start job is running for /dev/disk/by-label/x (1min / 1min 30s)", rules.DEVICE),
    ("mounted", "[ TIME ] Timed out waiting for device /dev/sda1.", rules.DEVICE),
    ("kernel", "dracut-initqueue[412]: Warning: dracut-initqueue: timeout, still waiting for:", rules.DEVICE),
    ("mounted", "[  88.1] watchdog: BUG: soft lockup - CPU#1 stuck for 23s!", rules.HUNG),
    ("mounted", "[  88.1] INFO: task mount:77 blocked for more than 120 seconds.", rules.HUNG),
]


@pytest.mark.parametrize(("stage", "line", "cause"), WAITS)
def test_a_line_that_explains_counts_when_the_boot_takes_too_long(stage: str, line: str, cause: str) -> None:
    events = boot(stage)
    stuck = said(events, f"{line}\nmore\n")
    assert (stuck.state, stuck.stage, stuck.cause) == ("stuck", stage, cause)
    assert stuck.waited_s == LONG_AFTER - events[-1]["t"] and stuck.evidence[0].line == line
    assert said(events, f"{line}\nmore\n", now=events[-1]["t"] + 9).state == "booting"
    slow = said(events, f"{line}\nmore\n", now=events[-1]["t"] + 40)
    assert slow.state == "slow" and f"; {cause}" in slow.text and not slow.is_well


@pytest.mark.parametrize("stage", STEPS[:-2])
def test_without_any_line_the_stage_tells(stage: str) -> None:
    stuck = said(boot(stage))
    assert (stuck.state, stuck.stage, stuck.is_well) == ("stuck", stage, False)
    assert stuck.cause and stuck.do
    assert "usually 10.0 s, 95 % at most 10.0 s" in stuck.text
    assert said(boot(stage), now=boot(stage)[-1]["t"] + 30).text.startswith(f"slower than usual: at {stage} for 30.0 s")
    assert said(boot(stage), now=boot(stage)[-1]["t"] + 5).is_well


def test_nothing_heard_since_power_on() -> None:
    assert said(boot("power-on"), line="").cause == rules.NO_DHCP
    assert said(boot("power-on")).why == f"console silent: {rules.NO_DHCP}"
    dead = said(boot("power-on"), line="lost: no answer")
    assert dead.cause.startswith("BMC dead") and dead.evidence[0].line == "console lost: no answer"
    assert said(boot("power-on"), power="off").cause == "powered off"
    assert said(boot("power-on"), power="no answer from 10.0.0.1").cause == "BMC dead"
    assert said(boot("power-on"), power="on").why == f"console silent: {rules.NO_DHCP}"


def test_an_emergency_shell_says_what_came_before_it() -> None:
    before = "[ TIME ] Timed out waiting for device /dev/sdz.\n[DEPEND] Dependency failed for /data.\n"
    failed = said(boot("mounted"), f"{before}You are in emergency mode.\n", now=200)
    assert [one.line.split("] ")[-1] for one in failed.evidence] == [
        "You are in emergency mode.", "Timed out waiting for device /dev/sdz.", "Dependency failed for /data.",
    ]  # fmt: skip


def test_a_node_that_is_up_is_well() -> None:
    assert said(boot("login"), now=LONG_AFTER).is_well
    assert said(boot("userspace"), now=200).is_well
    lacking = said(boot("userspace"), "[   12.0] crng init done\n")
    assert (lacking.state, lacking.cause) == ("degraded", "no login prompt on its console")
    assert said(boot("userspace"), line="lost: why").is_well, "its console cannot tell"
    silent = said([*boot("mounted"), {"t": 190.0, "stage": "login"}])
    assert silent.state == "degraded" and silent.cause == "no report"
    units = said(
        [
            *boot("mounted"),
            {"t": 190.0, "stage": "userspace", "failed": "a.service b.mount "},
            {"t": 191.0, "stage": "login"},
        ]
    )
    assert units.text == "up, but failed units: a.service b.mount"


def test_postscripts_are_waited_for() -> None:
    events = [*boot("login"), {"t": 200.0, "stage": "postscripts"}, {"t": 201.0, "stage": "postscript", "script": "a"}]
    assert said(events, now=600).is_well
    assert said(events).why == "postscripts do not end: done so far: a"
    assert said([*events, {"t": 202.0, "stage": "booted"}]).is_well


def test_grub_is_a_boot_script_as_ipxe_is() -> None:
    events = [{**event, "stage": event["stage"].replace("ipxe", "grub")} for event in boot("kernel")]
    assert len(attempts(events)) == 1 and len(attempts(events * 2)) == 2
    assert said(events[:3]).cause == rules.NO_KERNEL


def test_a_prompt_without_a_boot_file_comes_from_the_disk() -> None:
    events = [*boot("power-on"), {"t": 150.0, "stage": "login"}]
    assert said(events).cause.startswith(rules.DISK)
    assert diagnose(Seen("n1", events, netboots=False), EARLIER, LONG_AFTER).is_well
    assert diagnose(Seen("n1", events), {}, LONG_AFTER).is_well, "another web server may have served it"
    assert diagnose(Seen("n1", boot("ipxe"), netboots=False), {}, LONG_AFTER).is_well, "nodeset has sent it to its disk"


def test_a_boot_loop_is_no_slow_boot() -> None:
    crash = [{"t": float(t), "stage": stage} for t, stage in ((0, "ipxe"), (5, "kernel"), (20, "initrd"))]
    again = [{**event, "t": event["t"] + 60 * number} for number in range(3) for event in crash]
    loop = said([{"t": 0.0, "stage": "power-on"}, *again], "Kernel panic - not syncing: x\n", now=145)
    assert loop.state == "failed" and loop.cause.startswith(rules.PANIC)
    loop = said([{"t": 0.0, "stage": "power-on"}, *again], now=145)
    assert loop.state == "stuck" and loop.why == "boot loop: it began 3 times within 2 min 25 s"
    by_hand = [{"t": 60.0 * number, "stage": "power-on"} for number in range(5)]
    assert said(by_hand, now=245).state == "booting"
    up = [event for number in range(4) for event in [{**one, "t": one["t"] + 1000 * number} for one in boot("login")]]
    assert said([event for event in up if event["stage"] != "power-on"], now=3400).is_well, "reboots of a good node"


def test_a_node_that_starts_anew_by_itself_begins_another_boot() -> None:
    twice = [*boot("login"), *({**one, "t": one["t"] + 500} for one in boot("initrd")[1:])]
    assert [[event["stage"] for event in one][-1] for one in attempts(twice)] == ["login", "initrd"]
    assert said(twice).stage == "initrd"
    loads_again = [*boot("kernel"), {"t": 140.0, "stage": "kernel"}, {"t": 150.0, "stage": "kernel"}]
    assert len(attempts(loads_again)) == 1


def test_switched_off_on_purpose_is_no_fault() -> None:
    off = diagnose(Seen("n1", boot("kernel"), ordered_off=True), {}, LONG_AFTER)
    assert (off.state, off.is_well) == ("off", True)
    assert diagnose(Seen("n1"), {}, LONG_AFTER).text == "no boot seen"


def test_without_earlier_boots_the_limits_are_sane() -> None:
    for stage in STEPS[:-2]:
        events = boot(stage)
        at_limit = events[-1]["t"] + LIMITS_S[stage]
        assert diagnose(Seen("n1", events), {}, at_limit).state == "booting"
        assert diagnose(Seen("n1", events), {}, at_limit + 1).state == "stuck"


def test_what_is_usual_comes_from_boots_of_that_image_that_came_up() -> None:
    other = [{**event, "t": event["t"] * 100, "image": "bb"} for event in boot("login")]
    ours = [{**event, "image": "aa"} for event in boot("login")]
    stopped = [{**event, "t": event["t"] * 50, "image": "aa"} for event in boot("kernel")]
    assert usual([other, ours, ours, stopped], {"aa"})["ipxe"] == Usual(EVERY_S, EVERY_S, 2)
    assert usual([other, ours])["ipxe"].boots == 2
    assert usual([]) == {}


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=50))
def test_limits_are_never_below_what_was_usual(times: list[float]) -> None:
    boots = [
        [{"t": 0.0, "stage": "ipxe"}, {"t": took, "stage": "kernel"}, {"t": took, "stage": "login"}] for took in times
    ]
    known = usual(boots)["ipxe"]
    found = limits("ipxe", known)
    assert known.median_s <= known.p95_s < found.slow_s <= found.stuck_s


LINES = st.sampled_from([rule.words for rule in rules.RULES]) | st.text(max_size=30)
EVENTS = st.lists(
    st.fixed_dictionaries(
        {"t": st.floats(0, 1e9), "stage": st.sampled_from([*bootlog.STAGES, "grub", "odd"])},
        optional={"uptime": st.floats(0, 1e5), "failed": LINES, "reason": LINES, "image": st.text(max_size=3)},
    ),
    max_size=20,
)


@example([{"t": 0.0, "stage": "failed", "reason": "the kernel has no "}], [], "", 0.0)
@given(EVENTS, st.lists(LINES, max_size=8), st.sampled_from(["", "connected", "lost: x"]), st.floats(0, 2e9))
def test_whatever_was_seen_there_is_one_thing_to_say(
    events: list[bootlog.BootEvent], lines: list[str], line: str, now: float
) -> None:
    found = said(events, "\n".join(lines), now, line)
    assert found.waited_s >= 0
    assert found.is_well or found.do or found.state == "slow"
    assert all(one.line.strip() == one.line for one in found.evidence)
