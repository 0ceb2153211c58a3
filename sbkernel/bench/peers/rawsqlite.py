"""The least possible work for definitions: the same rows in SQLite, without checks, groups, journal and help.

Run as a program: rawsqlite.py DATABASE make ROWS | get NAME | names | all. ROWS is a file of NAME<tab>JSON lines.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator

_TABLE = """CREATE TABLE object (objtype TEXT NOT NULL, name TEXT NOT NULL, attributes TEXT NOT NULL,
                                PRIMARY KEY (objtype, name)) WITHOUT ROWID"""


def main(path: str, verb: str, word: str = "") -> None:
    """Do one of these things and print the result."""
    db = sqlite3.connect(path)
    if verb == "make":
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(_TABLE)
        with open(word) as rows:  # noqa: PTH123 (importing pathlib would take half of the time)
            db.executemany("INSERT INTO object VALUES ('node', ?, ?)", (line.split("\t") for line in rows))
        db.commit()
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(db, verb, word)))


def _lines(db: sqlite3.Connection, verb: str, word: str) -> Iterator[str]:
    if verb == "names":
        yield from (name for (name,) in db.execute("SELECT name FROM object WHERE objtype = 'node' ORDER BY name"))
        return
    one = "AND name = ?" if verb == "get" else ""
    sql = f"SELECT name, attributes FROM object WHERE objtype = 'node' {one} ORDER BY name"  # noqa: S608
    for name, attributes in db.execute(sql, (word,) if one else ()):
        yield f"Object name: {name}"
        yield from (f"    {key}={value}" for key, value in json.loads(attributes).items())


if __name__ == "__main__":
    main(*sys.argv[1:])
