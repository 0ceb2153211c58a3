"""A whole image behind a gate: it is built, packed, and after one good test boot it is what nodes boot."""

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


def test_an_update_goes_through_the_gate_by_a_good_test_boot(sb: Sb, first_demo: str) -> None:
    sb("clone", "debian12-x86_64-netboot-compute", IMAGE)
    sb("chdef", "-t", "osimage", IMAGE, "gate=testboot", "testbootbudget=memory=900M")
    own = sb.site / "install/custom/testboot"
    own.mkdir(parents=True)
    (own / "own.sh").write_text(SCRIPT)
    shown = sb("update", IMAGE, timeout_s=1100)
    version = json.loads(sb("images", IMAGE, "--format", "json"))[0]
    rows = {line.split()[0]: line.split()[1] for line in shown.splitlines() if line.startswith(tuple(CHECKS))}
    assert rows == dict.fromkeys(CHECKS, "ok"), shown
    assert f"current is {version['digest'][:8]}" in shown and "no history yet" in shown
    assert version["pointers"] == ["current", "candidate"] and version["tested"]["passed"]
    measured = version["tested"]["measured"]
    assert measured["bytes"] > version["roots"][0] and 1e7 < measured["memory"] < 9e8 and measured["time"] > 1
    assert "login:" in version["tested"]["console"]
    assert "testboot-" not in sb("lsdef") and not list((sb.site / "boot/nodes").glob("testboot-*"))
    assert "nothing to do: nodes boot what its lists mean" in sb("update", IMAGE, timeout_s=300)
