"""gc removes roll-outs that ended long ago, and none that may still be resumed."""

import json
import os
import time
from dataclasses import replace

from fakenodes import plan_of

from sbkernel.rollout.versions.gc import gc
from sbkernel.rollout.waves import journal
from sbkernel.site import Site


def made(site: Site, days: float, end: str = "") -> str:
    one = journal.make(site, replace(plan_of([2]), image="rocky9.4-x86_64"), "me")
    events = one.dir / "events.jsonl"
    events.write_text(json.dumps({"t": 1.0, "end": end}) + "\n" if end else "")
    for path in one.dir.iterdir():
        os.utime(path, (time.time() - days * 86400,) * 2)
    return one.id


def test_only_what_has_ended_goes_and_only_after_a_year(site: Site) -> None:
    old, _young, unfinished = made(site, 400, "done"), made(site, 200, "done"), made(site, 400)
    done = gc(site, older_than="0d")
    assert [item.name for item in done.gone if item.kind == "roll-out"] == [old]
    assert next(item.why for item in done.items if item.name == unfinished) == ("is interrupted",)
    assert old not in [one.id for one in journal.listing(site)] and len(journal.listing(site)) == 2
    assert not list(journal.folder(site).glob(".*.old"))
