"""xCAT's tabrestore: replace the rows of a table by those of a CSV file."""

from __future__ import annotations

from pathlib import Path

from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.options import flag
from sbkernel.cli.tables.tables import refused, said, table_verb
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rowchange import RestoreError, restore
from sbkernel.definitions.xcattables.rowedit import LOGS
from sbkernel.site import Site

_USAGE = """Usage: tabrestore [-a] TABLE.csv
       tabrestore {-v | --version}
       tabrestore [-? | -h | --help]
The rows of the file replace all rows of the table; with -a they are added to them.
If anything is wrong, nothing is changed."""


def _tabrestore(site: Site, words: tuple[str, ...], append: bool) -> int:
    if len(words) != 1:
        return said(_USAGE, code=2)
    file = Path(words[0])
    try:
        text = file.read_bytes().decode(errors="surrogateescape")
    except OSError:
        return said(f"Error: Unable to open {words[0]} for reading.", code=3)
    name = file.name.partition(".")[0]
    if name not in TABLES:
        return refused(f"Unable to open {name}", code=4)
    if name in LOGS:
        return refused(f"only sb writes {name}", code=4)
    return _restore(site, name, text, append)


def _restore(site: Site, name: str, text: str, append: bool) -> int:
    lines = text.removesuffix("\n").split("\n")
    try:
        with site.store.write(f"tabrestore {name}") as transaction:
            kept = restore(transaction, TABLES[name], lines, append=append)
    except RestoreError as error:
        return refused(*error.faults, code=error.exit_code)
    for what in kept:
        complain("Warning", f"{what} is ***: the stored value is kept.")
    return 0


command = table_verb("tabrestore", _USAGE, _tabrestore, [flag("-a", name="append")])
