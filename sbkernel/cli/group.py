"""The part of the command line that click reads: our own verbs, and the help of all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from sbkernel import __version__
from sbkernel.cli.verb import Verb


class Verbs(click.Group):
    """A group that knows its verbs by name and imports one only when it is called."""

    def __init__(self, verbs: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._verbs = verbs

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return all verbs in order of the alphabet."""
        return sorted(self._verbs)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command of one verb."""
        if name not in self._verbs:
            return None
        found: click.Command | Verb = importlib.import_module(f"sbkernel.cli.{name}").command
        return _wrapped(found) if isinstance(found, Verb) else found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb; a misspelt one names the verbs that are near."""
        if args and args[0] not in self._verbs and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self._verbs, n=3)
            ctx.fail(f"no verb {args[0]!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their help without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(self._verbs.items()))


def _wrapped(verb: Verb) -> click.Command:
    """Return a verb that reads its words itself."""

    def callback(words: tuple[str, ...]) -> int:
        return verb.run(click.get_current_context().find_root().obj, words)

    return click.Command(
        verb.name, callback=callback, params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False, context_settings={"ignore_unknown_options": True},
    )  # fmt: skip


def group(verbs: Mapping[str, str]) -> click.Command:
    """Return the command line as click sees it."""

    @click.command(cls=Verbs, verbs=verbs, context_settings={"help_option_names": ["-h", "--help"]})
    @click.option("--site", "site", metavar="DIR", envvar="SBKERNEL_SITE", help="Directory of the site.")
    @click.version_option(__version__, "-v", "--version", message="Version %(version)s")
    @click.pass_context
    def root(ctx: click.Context, site: str | None) -> None:
        """Define, build, boot and roll out stateless Linux images."""
        ctx.obj = site

    return root


def run(verbs: Mapping[str, str], words: Sequence[str]) -> int:
    """Run one verb, or print help; return the exit status."""
    try:
        status = group(verbs).main(args=list(words), prog_name="sb", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    sys.stdout.flush()
    return status if isinstance(status, int) else 0
