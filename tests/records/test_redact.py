"""Known secrets leave a record in whatever way they were written."""

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.records.redact import from_environment, redact, secrets_of_site
from sbkernel.site import Site

secret = st.text(min_size=4, max_size=20)


@given(secret, st.text(max_size=10))
def test_no_spelling_is_left(value: str, around: str) -> None:
    written = [value, html.escape(value), json.dumps(value)[1:-1], repr(value)[1:-1], quote(value, safe="")]
    node = {"cells": [{"source": f"{around}{way}{around}"} for way in written], "metadata": {"p": {"x": [value]}}}
    redact(node, {value})
    if value not in around + "***":
        assert node["metadata"]["p"]["x"] == ["***"]
        assert all(
            way not in cell["source"].replace("***", "") for way, cell in zip(written, node["cells"], strict=True)
        )


def test_a_secret_inside_another_hides_both() -> None:
    assert redact("hunter22 hunter2", {"hunter2", "hunter22"}) == "*** ***"


def test_what_is_no_secret_stays() -> None:
    node = {"a": ["one", 2, None, {"b": "abc"}]}
    assert redact(node, {"abc", ""}) == {"a": ["one", 2, None, {"b": "abc"}]}


def test_the_environment_names_its_secrets() -> None:
    found = from_environment(
        {"BMC_PASSWORD": "correct horse", "GITHUB_TOKEN": "t0ken-of-mine", "PATH": "/usr/bin:/bin"}
    )
    assert found == {"correct horse", "t0ken-of-mine"}


def test_the_site_knows_its_passwords(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_BMC", "from the environment")
    site.set("passwd", "ipmi", username="root", password="calvin")
    site.set("passwd", "system", username="root", password="file:/nonexistent")
    site.set("node", "n1", groups="all", mgt="ipmi", bmc="10.0.0.1", bmcusername="u", bmcpassword="env:MY_BMC")
    assert secrets_of_site(site) == {"calvin", "from the environment"}
