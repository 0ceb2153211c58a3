"""The command line: one group, one lazily imported module per verb, errors printed in one place."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from sbkernel import __version__
from sbkernel.errors import SbkernelError

# verb -> one line of help; the verb's command is `command` in the module sbkernel.cli.<verb>
VERBS = {
    "attach": "show a job again: its progress, then its result",
    "bench": "run benchmarks: our time, a peer's, the ratio",
    "chdef": "change or create definitions",
    "chtab": "change, add or remove rows of tables",
    "clone": "make an own, editable copy of an osimage",
    "demo": "the main job in one command, on a virtual node",
    "export": "write all definitions as a stanza file",
    "genimage": "build the root tree, kernel and initrd of an osimage",
    "gettab": "print columns of a row of a table",
    "history": "list who changed which definitions, and when",
    "import": "take over definitions of xCAT, Warewulf or another site",
    "jobs": "list jobs, or cancel one",
    "lab": "open JupyterLab on the notebooks",
    "lsdef": "list definitions",
    "mkdef": "make definitions",
    "mkvm": "define a virtual node and start its BMC",
    "nodeadd": "make nodes with columns of tables",
    "nodech": "change columns of nodes, or delete their rows",
    "nodegrpch": "give groups values that all their members inherit",
    "nodels": "list nodes, or columns of tables for them",
    "noderm": "remove nodes",
    "nodeset": "set what nodes boot next",
    "nodestat": "show how nodes booted: their last stage or the timeline",
    "packimage": "pack the root tree and publish it in the catalog",
    "passwd": "set a password or key for root of the nodes, or for BMCs",
    "rcons": "open the serial console of a node",
    "rmdef": "remove definitions",
    "rmvm": "remove a virtual node",
    "rpower": "power nodes on, off, reset, or ask",
    "rsetboot": "set the boot device for the next boot",
    "run": "run a notebook through papermill and keep the record",
    "service": "start, stop or show the service of the site",
    "tabch": "change, add or remove rows of tables, as chtab",
    "tabdump": "print a table as CSV",
    "tabgrep": "name the tables that have a row for a node",
    "tabprune": "remove old records of a log, or all rows of a table",
    "tabrestore": "replace the rows of a table by those of a CSV file",
    "undo": "put definitions back as they were before a change",
}


class Verbs(click.Group):
    """A group that knows its verbs by name and imports one only when it is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return all verbs in order of the alphabet."""
        return sorted(VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command of one verb."""
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"sbkernel.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a verb; a misspelt one names the verbs that are near."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=3)
            ctx.fail(f"no verb {args[0]!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their help without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(sorted(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--site", "site", metavar="DIR", envvar="SBKERNEL_SITE", help="Directory of the site.")
@click.version_option(__version__, "-v", "--version", message="Version %(version)s")
@click.pass_context
def group(ctx: click.Context, site: str | None) -> None:
    """Define, build, boot and roll out stateless Linux images."""
    ctx.obj = site


def main(argv: Sequence[str] | None = None) -> None:
    """Run one verb and exit with its status; the only place that prints errors."""
    try:
        status = group.main(args=None if argv is None else list(argv), prog_name="sb", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone; point stdout elsewhere so that the interpreter's flush is silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except SbkernelError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
