"""A whole image behind a gate: packed it is the candidate, and one good test boot makes it what nodes boot."""

import json

import pytest

from .conftest import Sb

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
IMAGE = "testedimage"
SCRIPT = """#!/bin/sh
echo "this is $(hostname)"
[ "$(hostname)" = "$NODE" ] && systemctl is-active ssh
"""
CHECKS = ["boot", "version", "started", "units", "own.sh", "time", "bytes", "memory"]


def test_a_good_test_boot_opens_the_gate(sb: Sb, first_demo: str) -> None:
    sb("clone", "debian12-x86_64-netboot-compute", IMAGE)
    sb("chdef", "-t", "osimage", IMAGE, "gate=testboot", "testbootbudget=memory=900M")
    sb("genimage", IMAGE, timeout_s=900)
    assert f"nothing was promoted yet. sb testboot {IMAGE} --promote" in sb("packimage", IMAGE)
    assert "it was not test booted yet" in sb("promote", IMAGE, status=1)
    own = sb.site / "install/custom/testboot"
    own.mkdir(parents=True)
    (own / "own.sh").write_text(SCRIPT)
    shown = sb("testboot", IMAGE, "--promote", timeout_s=1000)
    digest = json.loads(sb("images", IMAGE, "--format", "json"))[0]["digest"]
    rows = {line.split()[0]: line.split()[1] for line in shown.splitlines() if line.startswith(tuple(CHECKS))}
    assert rows == dict.fromkeys(CHECKS, "ok"), shown
    assert f"current is {digest[:8]}" in shown and "no history yet" in shown
    version = json.loads(sb("images", IMAGE, "--format", "json"))[0]
    assert version["pointers"] == ["current", "candidate"] and version["tested"]["passed"]
    measured = version["tested"]["measured"]
    assert measured["bytes"] > version["roots"][0] and 1e7 < measured["memory"] < 9e8 and measured["time"] > 1
    assert "login:" in version["tested"]["console"]
    assert "testboot-" not in sb("lsdef") and not list((sb.site / "boot/nodes").glob("testboot-*"))
