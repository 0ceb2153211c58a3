"""apt alone, asked what an image would get of its mirrors today: lists that are up to date, and a solution of them."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.images.families.debian.apt import BASE, Apt
from sbkernel.jobs.run import run


def ask(apt: Apt, names: Sequence[str]) -> int:
    """Update the lists and solve; return how many packages it is. Raises CommandError."""
    run(["apt-get", "--quiet", "update"], env=apt.environment)
    nothing_there = f"-oDir::Cache::archives={apt.directory}/none"
    words = ["apt-get", "--yes", "--quiet", "install", "--print-uris", nothing_there, *BASE, *names]
    return sum(line.startswith("'") for line in run(words, env=apt.environment).stdout.splitlines())
