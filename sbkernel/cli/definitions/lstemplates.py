"""lsdef --template: list the shipped node templates."""

from __future__ import annotations

from sbkernel.cli.definitions.defcommand import comma
from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.definitions.defrequest import DefinitionRequest
from sbkernel.cli.verb import echo
from sbkernel.definitions.objectverbs import listing, templates
from sbkernel.definitions.objectverbs.listing import Listed, with_defaults
from sbkernel.definitions.store.interface import Values
from sbkernel.site import Site


def work(site: Site, request: DefinitionRequest) -> int:
    """List all templates, or show the named ones."""
    shipped = templates.read(site.root / "share")
    if not request.everything and "node" not in request.objtypes:
        echo("Could not find any objects to display.")
        return 0
    named = comma(request.template or "")
    for name in named:
        if name not in shipped:
            complain("Error", f"Could not find {name} in xCAT templates.")
            return 1
    defaults = {} if request.stanza else site.store.get("group", "xcatdefaults") or {}
    shown = [_shown(name, shipped[name], defaults) for name in sorted(named or shipped)]
    long = (named or request.is_long or request.stanza) and not request.is_short
    lines = listing.short(shown, all_types=request.everything)
    if long:
        lines = listing.stanzas(shown) if request.stanza else listing.long(shown, with_type=request.everything)
    echo("".join(f"{line}\n" for line in lines), nl=False)
    return 0


def _shown(name: str, template: Values, defaults: Values) -> Listed:
    values = with_defaults(template, defaults)
    return Listed("node", name, [(key, value) for key, value in sorted(values.items()) if value])
