"""Throw bytes at everything that reads what people wrote: nothing but SbkernelError may come out.

`python tests/definitions/fuzzing.py SECONDS [SEED]` runs all targets in turn and says how many inputs it tried;
test_fuzzing.py runs them for a moment each.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sbkernel.definitions import select, stanza
from sbkernel.definitions.objectverbs import rehearse
from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.ranges.noderange import expand, names, noderange
from sbkernel.definitions.ranges.universe import NodeUniverse
from sbkernel.definitions.xcattables import columnwords, csvtext, nodelisting
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rowchange import restore
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

Target = Callable[[Site, str], None]

SEEDS = {
    "noderange": ["n1,n[1-3,07]r[1-2],-n2", "n1-n3@c,(n1,-n2)@d", "/n[12].*,^/f,5-7,8+3", "nodetype.os=~^(a|b),mgt!=x"],
    "stanza": ['# t\ndefault-node:\n mgt=x\nn1:\n    objtype=node\n    groups=a,b\n    a="b:"\n\nbad\nn1:\n os=x\n'],
    "selection": ["mgt==ipmi", "os=~/^r(h|o)el/", "a!~x", "a=b"],
    "words": ["nodetype.os=x\tgroups,=a,b\tgroups^=c\tnodehm.mgt=@=x\tmgt!=ipmi\tnodehm\tnodelist.node=~n"],
    "csv": ['#node,mgt,comments\n"n1","ip""mi",x\n"n2",\n,"a\nb"\n', '#key,value\n"a",1,,\nb,2\n'],
}
TOKENS = [*',-@()[]{}+:/^="\n\t #~!*?\\.|$0é', "999999999999", "n[", "]", "=~", "!=", "::", '""', "node:"]


def _noderange(site: Site, text: str) -> None:
    universe = NodeUniverse(site.store)
    for read in (lambda: noderange(text, universe), lambda: names(text, universe), lambda: expand(text)):
        with _refused():
            found = read()
            assert len(set(found)) == len(found)
    with _refused():
        spelt = [name for name in expand(text) if name.isascii() and name.isalnum() and not name.isdigit()][:500]
        assert set(expand(fold(spelt))) == set(spelt)


def _stanza(_site: Site, text: str) -> None:
    with _refused():
        read = stanza.read(text, "any")
        assert all(1 <= remark.line <= text.count("\n") + 1 for remark in read.remarks)
        again = stanza.parse(stanza.render(read.stanzas))
        assert again == [one._replace(values=dict(sorted(one.values.items()))) for one in read.stanzas]


def _selection(_site: Site, text: str) -> None:
    with _refused():
        select.holds(select.parse(text.split("\n")), {"mgt": text, "os": "rhel9", "groups": "a,b"})


def _words(_site: Site, text: str) -> None:
    words = text.split("\t")
    with _refused():
        nodelisting.query(words)
    with _refused():
        asked = columnwords.request(words)
        columnwords.assigned(asked.assignments, lambda column: column.value("n1", {"groups": "a,b", "mgt": "ipmi"}))


def _csv(site: Site, text: str) -> None:
    lines = text.split("\n")
    assert all(len(one.fields) <= 3 for one in csvtext.records(lines, 3))
    for name in ("nodehm", "site", "passwd", "networks", "nodelist", "litefile"):
        with _refused():
            rehearse.rehearse(site.store, lambda one, name=name: restore(one, TABLES[name], lines, append=False))


TARGETS: dict[str, Target] = {
    "noderange": _noderange,
    "stanza": _stanza,
    "selection": _selection,
    "words": _words,
    "csv": _csv,
}


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except SbkernelError as error:
        assert str(error).strip()


@contextmanager
def fuzzed_site() -> Iterator[Site]:
    """A site with some nodes and groups, as what the readers read against."""
    with tempfile.TemporaryDirectory() as where, Site.open(Path(where) / "site") as site:
        for name in ("n1", "n2", "n3", "n07", "node5", "n1r1"):
            site.set("node", name, groups="c,d" if name == "n1" else "c", mgt="ipmi")
        yield site


def text_of(data: bytes) -> str:
    """Return bytes as Python has them from the command line."""
    return data.decode("utf-8", "surrogateescape")


def mutated(rng: random.Random, seeds: list[str]) -> bytes:
    """Return a seed, cut, joined with another, with tokens and bytes thrown in."""
    text = rng.choice(seeds)
    for _ in range(rng.randint(1, 8)):
        at, to = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        other = rng.choice([rng.choice(TOKENS), rng.choice(seeds), text[at:to] * rng.randint(0, 3)])
        text = text[:at] + other + text[to if rng.random() < 0.3 else at :]
    data = bytearray(text[:2000].encode())
    for _ in range(rng.choice((0, 0, 1, 4))):
        data.insert(rng.randint(0, len(data)), rng.randrange(256))
    return bytes(data)


def main(seconds: float, seed: int) -> None:
    """Run all targets in turn for some seconds; print the inputs tried, and the one that broke something."""
    rng = random.Random(seed)
    counts = dict.fromkeys(TARGETS, 0)
    end = time.monotonic() + seconds
    with fuzzed_site() as site:
        while time.monotonic() < end:
            for name, target in TARGETS.items():
                for data in (mutated(rng, SEEDS[name]) for _ in range(20 if name != "csv" else 2)):
                    try:
                        target(site, text_of(data))
                    except BaseException:
                        print(f"seed {seed}: {name} broke on {data!r}")
                        raise
                    counts[name] += 1
    print(f"seed {seed}: {sum(counts.values())} inputs: {counts}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
