"""Edited tables: shown before they are made, made whole or not at all, refused when they come late."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        opened.set("group", "compute", cons="ipmi")
        nodes = {f"n{i}": {"groups": "compute", "mgt": "ipmi", "bmcpassword": "hush"} for i in range(1, 6)}
        opened.change("node", nodes)
        yield opened


def test_an_edited_frame_is_one_change_that_is_shown_first(site: Site) -> None:
    frame = site.nodes.df
    frame.loc["n1", "mgt"] = "openbmc"
    frame["serialport"] = 0
    change = site.nodes.changes(frame)
    assert len(change) == 6
    assert change.df.columns.tolist() == ["name", "attribute", "before", "after"]
    assert change.df.iloc[0].tolist() == ["n1", "mgt", "ipmi", "openbmc"]
    assert "n[1-5]  serialport: (unset) -> 0" in repr(change)
    assert "not applied yet" in html_of(change)
    assert site.nodes["n1"].get("mgt") == "ipmi"
    before = len(site.history())
    change.apply()
    assert len(site.history()) == before + 1
    assert site.history().index[-1] == change.number
    assert (site.nodes["n1"].get("mgt"), site.nodes["n5"].get("serialport")) == ("openbmc", "0")
    assert "applied" in html_of(change)
    change.undo()
    assert (site.nodes["n1"].get("mgt"), site.nodes["n5"].get("serialport")) == ("ipmi", "")
    for again in (change.apply, change.undo):
        with pytest.raises(DefinitionError, match="undone"):
            again()


def test_a_frame_that_was_not_edited_changes_nothing(site: Site) -> None:
    change = site.nodes.changes(site.nodes.df)
    assert (len(change), repr(change)) == (0, "Nothing changes")
    before = len(site.history())
    change.apply()
    assert len(site.history()) == before


@pytest.mark.parametrize(
    "through",
    [
        lambda frame: frame.copy(),
        lambda frame: frame.query("mgt == 'ipmi'"),
        lambda frame: frame.assign(rack="r1").drop(columns="rack"),
        lambda frame: frame.sort_index(ascending=False),
        lambda frame: frame[["mgt", "groups"]],
        lambda frame: frame.head(2),
        lambda frame: frame.replace("", np.nan),
        lambda frame: frame.reset_index(),
        lambda frame: pd.DataFrame(frame.to_dict()).rename_axis("node"),
    ],
)
def test_what_pandas_does_to_a_frame_changes_nothing(site: Site, through) -> None:
    assert len(site.nodes.changes(through(site.nodes.df))) == 0


def test_a_frame_read_from_a_file_is_compared_with_what_is_there(site: Site, tmp_path: Path) -> None:
    site.set("node", "n1", status="booted")
    site.nodes.df.to_csv(tmp_path / "nodes.csv")
    site.set("node", "n1", status="failed")
    frame = pd.read_csv(tmp_path / "nodes.csv", index_col="node")
    frame.loc["n2", "serialport"] = 1
    change = site.nodes.changes(frame)
    assert [tuple(edit) for edit in change.edits] == [("n2", "serialport", "", "1")]
    assert change.left_out == ("status",)
    assert "not compared: status" in html_of(change)


def test_missing_values_clear(site: Site) -> None:
    frame = site.nodes.df
    frame.loc["n1", "mgt"] = None
    frame.loc["n2", "mgt"] = np.nan
    frame.loc["n3", "mgt"] = ""
    frame = frame.drop(columns="bmcpassword")
    with pytest.raises(DefinitionError) as error:
        site.nodes.changes({"n1": {"cons": ""}})
    assert "n1 has cons from its group compute" in str(error.value)
    assert {edit.name for edit in site.nodes.changes(frame).edits} == {"n1", "n2", "n3"}


def test_stars_keep_a_secret_and_another_value_replaces_it(site: Site) -> None:
    frame = site.nodes.df
    frame.loc["n1", "bmcpassword"] = "louder"
    change = site.nodes.changes(frame).apply()
    assert "louder" not in repr(change) + html_of(change) + repr(change.df)
    assert [site.nodes[name].get("bmcpassword") for name in ("n1", "n2")] == ["louder", "hush"]
    with pytest.raises(DefinitionError, match=r"n9 has no bmcpassword that \*\*\* could keep"):
        site.nodes.changes({"n9": {"groups": "all", "mgt": "ipmi", "bmcpassword": "***"}})


def test_all_that_is_wrong_is_said_with_near_names(site: Site) -> None:
    frame = site.nodes.df
    frame["mgtt"] = "x"
    frame.loc["n1", "mgt"] = "ipm"
    frame.loc["n.x"] = {"groups": "all"}
    with pytest.raises(DefinitionError) as error:
        site.nodes.changes(frame)
    for said in (
        "'mgtt' is not a valid attribute",
        "Did you mean mgt",
        "'ipm' is not a legal value",
        "'n.x' is invalid",
    ):
        assert said in str(error.value)
    with pytest.raises(DefinitionError, match="'groups' is not specified for node 'n9'"):
        site.nodes.changes({"n9": {"mgt": "ipmi"}})
    with pytest.raises(DefinitionError, match="named twice: n1"):
        site.nodes.changes(pd.concat([site.nodes.df, site.nodes.df.head(1)]))
    with pytest.raises(DefinitionError, match="n1: hidden is True, which is neither text nor a number"):
        site.nodes.changes(pd.DataFrame({"hidden": [True]}, index=["n1"]))
    with pytest.raises(DefinitionError, match="a table of node objects"):
        site.osimages.changes(site.nodes.df)


def test_new_objects_are_made(site: Site) -> None:
    change = site.nodes.changes({"n6": {"groups": "compute", "mgt": "ipmi"}}).apply()
    assert change.created == ["n6"]
    assert site.nodes["n6"].get("cons") == "ipmi"
    site.networks.changes(pd.DataFrame({"net": ["10.0.0.0"], "mask": ["255.0.0.0"]}, index=["lab"])).apply()
    assert site.networks["lab"].get("net") == "10.0.0.0"


def test_members_of_groups_are_edited_too(site: Site) -> None:
    frame = site.groups.df
    frame.loc["compute", "members"] = "n1,n2"
    change = site.groups.changes(frame).apply()
    assert "members: n[1-5] -> n[1-2]" in repr(change)
    assert site.groups["compute"].get("members") == "n1,n2"
    change.undo()
    assert len(site.nodes.select("compute")) == 5


def test_an_object_that_was_changed_after_it_was_read_is_refused(site: Site) -> None:
    frame = site.nodes.df
    site.set("node", "n1", usercomment="moved")
    frame.loc["n2", "mgt"] = "openbmc"
    site.nodes.changes(frame)  # only n1 was changed
    frame.loc["n1", "mgt"] = "openbmc"
    with pytest.raises(DefinitionError, match="n1 was changed by somebody else after this was read"):
        site.nodes.changes(frame)


def test_an_object_that_is_changed_before_apply_stops_it_whole(site: Site) -> None:
    change = site.nodes.changes({"n1": {"mgt": "openbmc"}, "n2": {"mgt": "openbmc"}})
    site.set("node", "n2", usercomment="moved")
    with pytest.raises(DefinitionError, match="n2 was changed by somebody else meanwhile"):
        change.apply()
    assert site.nodes["n1"].get("mgt") == "ipmi"
    gone = site.nodes.changes({"n3": {"mgt": "openbmc"}})
    site.delete("node", "n3")
    with pytest.raises(DefinitionError, match="n3 was changed"):
        gone.apply()
    assert "n3" not in site.nodes


def test_what_the_system_writes_meanwhile_does_not_matter_and_stays(site: Site) -> None:
    site.set("node", "n1", status="booting")
    frame = site.nodes.df
    frame.loc["n1", "mgt"] = "openbmc"
    change = site.nodes.changes(frame)
    site.set("node", "n1", status="booted")
    change.apply()
    assert (site.nodes["n1"].get("status"), site.nodes["n1"].get("mgt")) == ("booted", "openbmc")


cells = st.sampled_from(["", "ipmi", "openbmc", "kvm"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["n1", "n2", "n3", "n4", "n5"]), st.tuples(cells, cells)))
def test_whatever_was_typed_is_what_is_there_afterwards_and_undo_brings_back(site: Site, typed) -> None:
    frame = site.nodes.df.drop(columns="bmcpassword")
    site_before = site.nodes.df.to_dict()
    for name, (mgt, power) in typed.items():
        frame.loc[name, ["mgt", "power"]] = [mgt, power]
    wanted = frame.fillna("")
    change = site.nodes.changes(frame)
    if any(not mgt for mgt, _ in typed.values()):
        assert all(edit.after != edit.before for edit in change.edits)
    change.apply()
    there = site.nodes.df.reindex(columns=wanted.columns, fill_value="")
    assert there.to_dict() == wanted.to_dict()
    change.undo()
    assert site.nodes.df.to_dict() == site_before
