"""Whatever a site holds, `lsdef -a -l -z --reveal` into `mkdef -f -z` makes a site that lists the same."""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.cli.main import main
from sbkernel.site import Site

PRINTABLE = st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="|\x85\u2028\u2029")
ODD = ["todo:", '"', '""', "#x", " a ", "=", "a=b", "***"]
TEXT = st.text(PRINTABLE, min_size=1, max_size=12) | st.sampled_from(ODD)
SECRET = TEXT.filter(lambda text: text != "***")
WORDS = st.lists(st.sampled_from(["all", "compute", "rack1", "n1"]), min_size=1, unique=True).map(",".join)


def some(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


NODE = st.fixed_dictionaries(
    {"groups": WORDS},
    optional={
        "usercomment": TEXT,
        "os": TEXT,
        "nicips.eth0": some("10.0.0.1|10.0.0.2"),
        "rack": TEXT,
        "kcmdline": TEXT,
    },
)
GROUP = st.fixed_dictionaries(
    {}, optional={"usercomment": TEXT, "arch": some("x86_64"), "serialport": some("0"), "room": TEXT}
)
OSIMAGE = st.fixed_dictionaries({"imagetype": some("linux")}, optional={"description": TEXT, "addkcmdline": TEXT})
PASSWD = st.fixed_dictionaries({"password": SECRET})
SITES = st.fixed_dictionaries(
    {
        "node": st.dictionaries(some("n1", "n2", "n10", "compute"), NODE, max_size=4),
        "group": st.dictionaries(some("compute", "rack1", "made"), GROUP, max_size=3),
        "osimage": st.dictionaries(some("compute", "a.b-c", "default-x"), OSIMAGE, max_size=2),
        "passwd": st.dictionaries(some("system", "ipmi"), PASSWD, max_size=2),
    }
)


def sb(where: Path, *words: str, stdin: str = "") -> str:
    out, silent, ends = io.StringIO(), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), silent, ends:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        main(["--site", str(where), *words])
    return out.getvalue()


@given(SITES)
@settings(max_examples=20)
def test_a_listed_site_comes_back(objects: dict[str, dict[str, dict[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        first, second = Path(directory) / "first", Path(directory) / "second"
        with Site.open(first) as site:
            for objtype, named in objects.items():
                for name, values in named.items():
                    site.set(objtype, name, **values)
        Site.open(second).close()
        sb(second, "rmdef", "-a", "-f")
        listed = sb(first, "lsdef", "-a", "-l", "-z", "--reveal").replace(str(first), str(second))
        sb(second, "mkdef", "-f", "-z", stdin=listed)
        assert sb(second, "lsdef", "-a", "-l", "-z", "--reveal") == listed
