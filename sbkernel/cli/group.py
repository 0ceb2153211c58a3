"""The part of the command line that click handles: our own verbs, and the help of all verbs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from sbkernel import __version__
from sbkernel.cli.verb import Verb, module_of

VerbGroups = Mapping[str, Mapping[str, str]]
"""Task -> verb -> one line of help."""


class Verbs(click.Group):
    """A group that knows its verbs by name and imports a verb only when it is called."""

    def __init__(self, groups: VerbGroups, **settings: Any) -> None:
        super().__init__(**settings)
        self._groups = groups
        self._lines = {verb: line for verbs in groups.values() for verb, line in verbs.items()}

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return all verbs in the order of the work."""
        return list(self._lines)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command of one verb."""
        if name not in self._lines:
            return None
        found: click.Command | Verb = module_of(name).command
        return _wrapped(found) if isinstance(found, Verb) else _strict(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb; the error for a wrong one names the verbs that may be meant."""
        if args and args[0] not in self._lines and not args[0].startswith("-"):
            meant = near_verbs(args[0], self._lines)
            ctx.fail(f"no verb {args[0]!r}" + (f"; did you mean {' or '.join(meant)}?" if meant else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs and their help in one column, group by group, without importing them."""
        width = max(map(len, self._lines))
        for title, verbs in self._groups.items():
            with formatter.section(title):
                formatter.write_dl([(verb.ljust(width), line) for verb, line in verbs.items()])


def near_verbs(word: str, lines: Mapping[str, str]) -> list[str]:
    """Return up to three verbs that may be meant: spelt alike, or with the word in their name or help."""
    import difflib
    import re

    word = word.lower()
    alike = difflib.get_close_matches(word, lines, n=3)
    named = [verb for verb in lines if len(word) > 2 and word in verb]
    helping = [verb for verb, line in lines.items() if word in re.findall(r"\w+", line)]
    return (alike or named or helping)[:3]


class NotEmpty(click.ParamType):  # type: ignore[type-arg]  # not generic before 8.4
    """A name, a path or another text of a command line that is not empty: such a word is a variable that is not set."""

    def __init__(self, inner: click.Path | click.File | click.types.StringParamType) -> None:
        self.inner, self.name = inner, inner.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the word as the type inside does. Defaults may be empty."""
        source = ctx.get_parameter_source(param.name) if ctx and param and param.name else None
        if value == "" and source is ParameterSource.COMMANDLINE:
            self.fail("it is empty. Leave it out, or give it a value.", param, ctx)
        return self.inner.convert(value, param, ctx)


def _strict(command: click.Command) -> click.Command:
    """Let a verb refuse empty words, but where several of them make one value, as in `sb run -p NAME VALUE`."""
    for param in command.params:
        if param.nargs in (1, -1) and isinstance(param.type, click.Path | click.File | click.types.StringParamType):
            param.type = NotEmpty(param.type)
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        _strict(one)
    return command


def _wrapped(verb: Verb) -> click.Command:
    """Return a verb that parses its words itself as click wants it."""

    def callback(words: tuple[str, ...]) -> int:
        return verb.run(click.get_current_context().find_root().obj, words)

    return click.Command(
        verb.name, callback=callback, params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        add_help_option=False, context_settings={"ignore_unknown_options": True},
    )  # fmt: skip


def group(groups: VerbGroups) -> click.Command:
    """Return the command line as click sees it."""

    @click.command(
        cls=Verbs, groups=groups, options_metavar="[--site DIR]", subcommand_metavar="VERB [WORD]...",
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    @click.option(
        "--site", "site", metavar="DIR", envvar="SBKERNEL_SITE",
        help="Directory of the site. Default: $SBKERNEL_SITE, else ~/.local/share/sbkernel.",
    )  # fmt: skip
    @click.version_option(__version__, "-v", "--version", message="Version %(version)s")
    @click.pass_context
    def root(ctx: click.Context, site: str | None) -> None:
        """Define, build, boot and roll out stateless Linux images.

        \b
        Try first:
          sb demo      build an image and watch a virtual node boot it
          sb lab       do the same step by step, in notebooks
          sb VERB -h   what a verb does, with its options and defaults
        """
        ctx.obj = site

    return root


def run(groups: VerbGroups, words: Sequence[str]) -> int:
    """Run one verb, or print help; return the exit status."""
    try:
        status = group(groups).main(args=list(words), prog_name="sb", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    sys.stdout.flush()
    return status if isinstance(status, int) else 0
