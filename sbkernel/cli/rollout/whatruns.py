"""sb whatruns: from nodes to the versions that they run, and the records that made them."""

from __future__ import annotations

import json

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import print_results
from sbkernel.records.whatruns import whatruns
from sbkernel.site import Site


@click.command("whatruns")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: whole digests, times in seconds since the epoch.")
@click.argument("noderange")
@pass_site
def command(site: Site, as_json: bool, noderange: str) -> int:
    """Show which version of which osimage each node runs, who packed it when, and the record of that.

    A node runs what it reported in its last boot. What nodeset has set since is shown when it is another version. A
    node that has reported nothing, or a version that the catalog no longer has, is an error of that node.

    \b
    Examples:
      sb whatruns n7
      sb whatruns compute --json
    """
    found = whatruns(site, noderange)
    if give(lambda: found):
        return int(not all(row.ok for row in found.rows))
    if not as_json:
        return print_results(found.rows)
    click.echo(json.dumps([row.as_dict() for row in found.rows], indent=2))
    return int(not all(row.ok for row in found.rows))
