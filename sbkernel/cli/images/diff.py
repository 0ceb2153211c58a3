"""sb diff: what changed between two images, versions or nodes, or many of them side by side."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.packages.diff.change import BY
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.formats import FORMATS, diff_data, render
from sbkernel.packages.diff.policy import Verdict
from sbkernel.packages.diff.policyfile import load
from sbkernel.site import Site


@click.command("diff")
@click.option("--policy", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Check these rules.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print.")
@click.option("-s", "--summary", is_flag=True, help="Show one screen, not every package.")
@click.option("--matrix", "side_by_side", is_flag=True, help="Show two names side by side as well.")
@click.option("--all", "everything", is_flag=True, help="Side by side: show packages that do not differ as well.")
@click.option("--by", type=click.Choice(BY), help="What a row is. Default: source, if the package formats differ.")
@click.argument("names", nargs=-1, required=True, metavar="A [B [C...]]")
@pass_site
def command(
    site: Site, policy: Path | None, form: str, summary: bool, side_by_side: bool, everything: bool, by: str | None,
    names: tuple[str, ...],
) -> int:  # fmt: skip
    """Show which packages changed from A to B, or the versions of three or more side by side.

    With A alone, an osimage is compared with its version before. A, B and C may be:

    \b
      IMAGE           an osimage as it is published, or else as it was built
      IMAGE@previous  another version; also IMAGE@candidate, IMAGE@DIGEST,
                      IMAGE@YYYY-MM-DD, IMAGE@built
      NODE            what is installed on a running node now, over ssh
      resolve:IMAGE   what the lists of the image would install now
      pkglist:IMAGE   what the lists of the image name
      PATH            a manifest.json, packed image, root tree or *.pkglist

    Images of two package formats are compared by source: openssl of Debian with openssl of Rocky. Their versions have
    no common order, so what both have in other versions is changed, neither updated nor downgraded.

    When a word could be more than one of these, put image:, node: or file: in front of it, or write a path with a
    slash.

    \b
    Examples:
      sb diff mine@previous mine
      sb diff mine vn1
      sb diff mine resolve:mine --policy guard.yaml

    The FILE of --policy is YAML. Every line may be left out:

    \b
      removed: forbid           # any of added removed updated downgraded replaced
      downgraded: forbid        #   arch-changed rebuilt changed; allow or forbid
      growth: 5 %               # at most so much more on disk; or 200 MB
      attention: [kernel]       # groups that may not change, or all
      required: [munge]         # names or patterns that B must have
      forbidden: ["telnet*"]    # and that it must not have
      exempt: ["linux-image-*"] # no rule holds for these

    The exit status is 0 when nothing changed or the policy allows what changed, and 1 when the policy is broken or
    there was an error.
    """
    from sbkernel.nodes import contents

    rules = load(policy) if policy else None
    if len(names) > 2 or side_by_side:
        if rules or summary:
            raise click.UsageError("--policy and --summary need exactly two names")
        many = contents.matrix(site, names, differing=not everything, by=by or "")
        if not give(lambda: many):
            click.echo(render(many, form))
        return 0
    a, b = names if len(names) == 2 else (f"{names[0]}@previous", names[0])
    found = contents.diff(site, a, b, by=by or "")
    verdict = rules.check(found) if rules else None
    if not give(lambda: found):
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
