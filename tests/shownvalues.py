"""A value of each kind that has a display: what a cell says to get it, and what its HTML says."""

BEGIN = """
import sbkernel
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.resolution import Chosen, ListResolution
from sbkernel.jobs import job as jobs
from sbkernel.nodes import contents
from sbkernel.packages.diff.policyfile import parse
from sbkernel.records.whatruns import WhatRuns
from sbkernel.records.why import why
from sbkernel.rollout.testboot.checks import Check, Measured
from sbkernel.rollout.testboot.verdicts import made_now
from sbkernel.rollout.versions.images import versions
from sbkernel.service.boots import boots
from sbkernel.rollout.waves.plan import RolloutPlan
from sbkernel.rollout.waves.progress import Progress
from sbkernel.rollout.waves.report import RolloutReport
from sbkernel.service.stuck import stuck
from sbkernel.site import Site

site = Site.open({site!r})
image, other = (site.osimages[f"debian12-x86_64-netboot-{{name}}"] for name in ("compute", "service"))
found = contents.diff(site, "img@previous", "img")
rollout = RolloutPlan("img", "a" * 64, "img@candidate", "all", (), {{}})
chosen = Chosen(next(iter(found.b)), 5, "asked")
"""
SHOWS = {
    "image": "pkglist",
    "site.osimages": "profile",
    "site.nodes": "0 nodes",
    "site.osimages.select(image.name)": "1 osimage",
    'site.osimages.changes({image.name: {"usercomment": "<odd>"}})': "not applied yet",
    "site.diff(image, other)": "differ",
    "found": "libssl3",
    'parse("removed: forbid").check(found)': "refused",
    'contents.matrix(site, ["img@previous", "img"])': "packages differ",
    'jobs.start(site, "genimage", "view_targets:nothing", image="img").wait(60)': "genimage img",
    'Catalog(site).current("img")': "published",
    'why(site, "img")': "libzstd",
    'versions(site, "img")': "What moved the pointers",
    "WhatRuns(())": "What nodes run",
    'made_now("img", "a" * 64, [Check("units", False, "<odd>", ("its end",))], Measured(), "login:")': "its end",
    "boots(site, [])": "Boots side by side",
    "rollout": "Plan: img@aaaaaaaa to 0 nodes",
    'RolloutReport("one", "me", 0.0, "done", Progress(rollout))': "Roll-out of img@aaaaaaaa",
    "stuck(site)": "Nothing is stuck",
    'ListResolution("img", (chosen,))': "would install 1 packages",
}
"""What a cell ends with, and what its HTML says."""
