"""Verdicts as a test boot would have made them."""

from sbkernel.rollout.testboot import verdicts
from sbkernel.rollout.testboot.checks import Check, Measured
from sbkernel.site import Site


def judge(site: Site, image: str, digest: str, ok: bool, time: float = 40.0) -> verdicts.Verdict:
    """Keep a verdict on a version; a bad one says that a unit has failed."""
    checks = [Check("boot", True, "it is up"), Check("units", ok, "none has failed" if ok else "failed: own.service")]
    verdict = verdicts.made_now(image, digest, checks, Measured(time, 1e6, 2e8, "here"), "login: ")
    verdicts.keep(site, verdict)
    return verdict
