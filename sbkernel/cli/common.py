"""What the verbs share: they get the site that --site names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from sbkernel.site import Site

P = ParamSpec("P")
R = TypeVar("R")


def no_stream(file: Path | None) -> None:
    """Raise UsageError for a bundle that is to go through a pipe: it is read, or written, in more than one place."""
    if file == Path("-"):
        raise click.UsageError("a bundle is a file: - is none")


def pass_site(function: Callable[Concatenate[Site, P], R]) -> Callable[P, R]:
    """Open the site named by --site, $SBKERNEL_SITE or the default, and pass it as the first argument."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with Site.open(click.get_current_context().find_root().obj) as site:
            return function(site, *args, **kwargs)

    return wrapper
