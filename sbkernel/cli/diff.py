"""sb diff: what changed between two images, an image and a node, last week's manifest and now; or many side by side."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.formats import FORMATS, diff_data, render
from sbkernel.packages.diff.policy import Verdict
from sbkernel.packages.diff.policyfile import load
from sbkernel.site import Site


@click.command("diff")
@click.option("--policy", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Rules to check.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print.")
@click.option("-s", "--summary", is_flag=True, help="One screen, not every package.")
@click.option("--matrix", "side_by_side", is_flag=True, help="Side by side, also when there are only two.")
@click.option("--all", "everything", is_flag=True, help="Side by side: also what is the same in all.")
@click.argument("names", nargs=-1, required=True, metavar="A [B [C...]]")
@pass_site
def command(
    site: Site, policy: Path | None, form: str, summary: bool, side_by_side: bool, everything: bool,
    names: tuple[str, ...],
) -> int:  # fmt: skip
    """Show which packages changed from A to B; of three or more, the versions of each side by side.

    A alone is an osimage, compared with the version before it. The names may be:

    \b
      IMAGE           an osimage as it is published now (else as it was built)
      IMAGE@previous  the version before; IMAGE@DIGEST, IMAGE@YYYY-MM-DD, IMAGE@built
      NODE            what is installed on a running node now, asked over ssh
      resolve:IMAGE   what its lists would install now; pkglist:IMAGE what they name
      PATH            a manifest.json, a packed image, a root tree, a *.pkglist

    A word that could be several of these is refused; image:, node: or file: in front, or a path with a slash, says
    which is meant.

    FILE is YAML; every line may be left out:

    \b
      removed: forbid           # any of added removed updated downgraded replaced
      downgraded: forbid        #   arch-changed rebuilt changed; allow or forbid
      growth: 5 %               # on disk; or 200 MB
      attention: [kernel]       # groups that may not move, or all
      required: [munge]         # names or patterns that B has
      forbidden: ["telnet*"]    # and that it has not
      exempt: ["linux-image-*"] # nothing is forbidden for these

    Exits with 0 when nothing changed or what changed is allowed, with 1 when the policy is broken (or, as every verb,
    when there was an error).
    """
    from sbkernel.nodes import contents

    rules = load(policy) if policy else None
    if len(names) > 2 or side_by_side:
        if rules or summary:
            raise click.UsageError("--policy and --summary go with two names")
        click.echo(render(contents.matrix(site, names, differing=not everything), form))
        return 0
    a, b = names if len(names) == 2 else (f"{names[0]}@previous", names[0])
    found = contents.diff(site, a, b)
    verdict = rules.check(found) if rules else None
    click.echo(_text(found, verdict, "summary" if summary else form))
    return _judged(verdict)


def _text(found: Diff, verdict: Verdict | None, form: str) -> str:
    if form == "summary":
        return found.summary
    if form == "json" and verdict:
        return json.dumps({**diff_data(found), "policy": verdict.as_dict()}, indent=2)
    return render(found, form)


def _judged(verdict: Verdict | None) -> int:
    if verdict is None:
        return 0
    click.echo(str(verdict), err=True)
    return 0 if verdict.allowed else 1
