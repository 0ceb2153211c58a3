"""The options of lsdef, mkdef, chdef and rmdef as one table, and one call of these verbs as a value."""

from __future__ import annotations

from typing import NamedTuple

from sbkernel.cli.options import Option


class Opt(NamedTuple):
    """One option. All four verbs read it; only `verbs` show it in their usage."""

    declarations: tuple[str, ...]
    verbs: str
    """First letters of the verbs: l, m, c, r."""
    text: str
    metavar: str = ""
    """Name of its value; empty if it has none."""
    many: bool = False
    optional: bool = False

    def option(self) -> Option:
        """Return the option as the parser takes it."""
        *flags, name = self.declarations
        return Option(tuple(flags), name, self.metavar, many=self.many, optional=self.optional)


OPTIONS = (
    Opt(("-t", "types"), "lmcr", "Types of objects, separated by commas. Default: node.", "TYPES"),
    Opt(("-o", "objects"), "lmcr", "Names of objects, separated by commas; for nodes a noderange.", "NAMES"),
    Opt(("-a", "--all", "everything"), "lr", "All objects of all types."),
    Opt(("-l", "--long", "is_long"), "l", "Show all attributes."),
    Opt(("-s", "--short", "is_short"), "l", "Show only names."),
    Opt(("-i", "only"), "l", "Show only these attributes, separated by commas.", "ATTRS"),
    Opt(("-c", "--compress", "compress"), "l", "Show one attribute a line, after the name; needs -i."),
    Opt(("-S", "hidden"), "l", "Show hidden nodes as well."),
    Opt(("--osimage", "with_osimage"), "l", "For nodes: show the attributes of their osimage as well."),
    Opt(("--nics", "nics"), "l", "For nodes: show only the attributes of network interfaces."),
    Opt(("--reveal", "reveal"), "l", "Show secrets, not ***."),
    Opt(("-w", "where"), "lmc", "Only objects for which it holds (== != =~ !~); may be repeated.", "ATTR==VALUE", True),
    Opt(("-z", "--stanza", "stanza"), "lmc", "Use a stanza file: lsdef writes it, mkdef and chdef read it from stdin."),
    Opt(("-x", "--xml", "xml"), "", "Not available."),
    Opt(("-d", "--dynamic", "dynamic"), "mc", "Make a dynamic group: -w says which nodes are in it."),
    Opt(("-f", "--force", "force"), "mr", "mkdef: replace objects that exist. rmdef: allow -a."),
    Opt(
        ("--template", "template"), "lm",
        "mkdef: start from a shipped node template or an object. lsdef: list the templates.", "NAME", optional=True,
    ),
    Opt(("-u", "fill"), "mc", "For osimages: fill in what follows from profile, provmethod, osvers and osarch."),
    Opt(("-p", "--plus", "plus"), "c", "Append the values to lists."),
    Opt(("-m", "--minus", "minus"), "c", "Remove the values from lists."),
    Opt(("-n", "rename"), "c", "Rename one object.", "NEW"),
    Opt(("-C", "--cleanup", "cleanup"), "r", "For nodes: first set them to boot nothing (nodeset offline)."),
    Opt(("--dry-run", "dry_run"), "mcr", "Show what would change; change nothing."),
    Opt(("--nocache", "nocache"), "", "Nothing is cached."),
    Opt(("-V", "--verbose", "verbose"), "lmcr", "Say more: names of objects; table and column of each attribute."),
    Opt(("-v", "--version", "version"), "lmcr", "Show the version."),
    Opt(("-h", "--help", "-?", "wants_help"), "lmcr", "Show this help; with -t TYPE, what the attributes mean."),
)  # fmt: skip


class DefinitionRequest(NamedTuple):
    """One call: the verb, its words, its options."""

    verb: str
    words: tuple[str, ...]
    types: str = ""
    objects: str = ""
    everything: bool = False
    is_long: bool = False
    is_short: bool = False
    only: str = ""
    compress: bool = False
    hidden: bool = False
    with_osimage: bool = False
    nics: bool = False
    reveal: bool = False
    where: tuple[str, ...] = ()
    stanza: bool = False
    xml: bool = False
    dynamic: bool = False
    force: bool = False
    template: str | None = None
    fill: bool = False
    plus: bool = False
    minus: bool = False
    rename: str = ""
    cleanup: bool = False
    dry_run: bool = False
    nocache: bool = False
    verbose: bool = False
    version: bool = False
    wants_help: bool = False

    @property
    def bare(self) -> list[str]:
        """Return the words without an `=`: those that name objects."""
        return [word for word in self.words if "=" not in word]

    @property
    def values(self) -> dict[str, str]:
        """Return the attr=value words. Raises DefinitionError for one without a name."""
        words = [word for word in self.words if "=" in word]
        if not words:
            return {}
        from sbkernel.definitions.objectverbs.newvalues import pairs

        return pairs(words)

    @property
    def names(self) -> str:
        """Return what names the objects: -o, else the word without an `=`."""
        return self.objects or "".join(self.bare)

    @property
    def objtypes(self) -> list[str]:
        """Return the types that -t names; the default is node."""
        return [objtype for objtype in (self.types or ("osimage" if self.fill else "node")).split(",") if objtype]

    @property
    def objtype(self) -> str:
        """Return the first type."""
        return self.objtypes[0]
