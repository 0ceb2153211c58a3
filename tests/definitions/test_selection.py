"""Collections and parts of them: by name, by noderange, by attribute; as tables, in notebooks and in terminals."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.selection import Selection
from sbkernel.definitions.store.sqlite import SqliteConnection
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

COMPUTE = "debian12-x86_64-netboot-compute"
SERVICE = "debian12-x86_64-netboot-service"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        nodes = {f"n{i}": {"groups": "compute,all", "mgt": "ipmi", "bmc": f"10.0.0.{i}"} for i in range(1, 21)}
        opened.change("node", {**nodes, "gpu1": {"groups": "gpu,all"}})
        opened.set("group", "gpu", mgt="openbmc", serialport="1")
        yield opened


def test_a_name_is_a_definition_and_a_noderange_a_selection(site: Site) -> None:
    assert isinstance(site.nodes["n1"], Definition)
    several = site.nodes["n[1-20],-n7"]
    assert isinstance(several, Selection)
    assert (len(several), several.noderange) == (19, "n[1-6,8-20]")
    assert several["n3"] == site.nodes["n3"]
    assert list(several)[:2] == ["n1", "n10"]
    assert "n7" not in several
    assert "n3" in several


@pytest.mark.parametrize(
    ("text", "names"),
    [("gpu", "gpu1"), ("all@gpu", "gpu1"), ("n1,n3", "n[1,3]"), ("n1-n3", "n[1-3]"), ("/n1.*", "n[1,10-19]")],
)
def test_what_names_several_nodes(site: Site, text: str, names: str) -> None:
    assert site.nodes.select(text).noderange == names
    assert site.nodes[text].noderange == names  # type: ignore[attr-defined]


def test_what_is_not_there_is_said(site: Site) -> None:
    with pytest.raises(NotFoundError, match="named 'n21' of type 'node'"):
        site.nodes["n21"]
    with pytest.raises(NotFoundError, match=r"noderange: n\[21-22\]|n21,n22"):
        site.nodes["n[21-22]"]
    with pytest.raises(NotFoundError, match="'n9' is not among n\\[1-3\\]"):
        site.nodes.select("n[1-3]")["n9"]
    with pytest.raises(NotFoundError, match="named 'none' of type 'osimage'"):
        site.osimages[f"{COMPUTE},none"]
    assert "n[1-3]" not in site.nodes
    assert f"{COMPUTE},{SERVICE}" not in site.osimages


def test_going_through_them_reads_none_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = SqliteConnection.query

    def query(self: SqliteConnection, sql: str, *values: object) -> list[tuple[object, ...]]:
        asked.append(sql)
        return real(self, sql, *values)

    some = site.nodes["n[1-20]"]
    monkeypatch.setattr(SqliteConnection, "query", query)
    for objects, length in ((site.nodes, 21), (some, 20)):
        assert [name for name, _node in objects.items()] == list(objects)
        assert [node.get("mgt") for node in objects.values()].count("ipmi") == 20
        assert (len(objects.items()), len(objects.values())) == (length, length)
    assert [sql for sql in asked if sql.endswith("name = ?")] == []


def test_a_comma_list_selects_objects_of_every_type(site: Site) -> None:
    assert list(site.osimages.select(f"{SERVICE},{COMPUTE}")) == [SERVICE, COMPUTE]
    assert len(site.groups.select("gpu,all")) == 2


def test_where_is_as_after_w(site: Site) -> None:
    assert site.nodes.where("mgt==ipmi", "bmc=~^10.0.0.1").noderange == "n[1,10-19]"
    assert site.nodes.where("mgt!=ipmi").names == ["gpu1"]  # lent by its group
    assert site.nodes.select("n[1-5]").where("bmc!~[24]$").noderange == "n[1,3,5]"
    assert site.nodes.where("node=~^gpu").names == ["gpu1"]
    assert site.osimages.where("profile==service").names == [SERVICE]
    with pytest.raises(DefinitionError, match="'mgtt' is not a valid attribute"):
        site.nodes.where("mgtt==ipmi")


def test_set_is_one_change_of_all_or_none(site: Site) -> None:
    before = len(site.history())
    made = site.nodes.select("n[1-20]").set(serialport=0, serialspeed="115200", bmc=lambda name: f"{name}-bmc")
    assert len(site.history()) == before + 1
    assert (site.nodes["n7"].get("serialport"), site.nodes["n7"].get("bmc")) == ("0", "n7-bmc")
    assert "n[1-20]  serialport: (unset) -> 0" in repr(made)
    with pytest.raises(DefinitionError, match="'ipm' is not a legal value"):
        site.nodes.select("n[1-20]").set(mgt=lambda name: "ipm" if name == "n9" else "openbmc")
    assert site.nodes["n1"].get("mgt") == "ipmi"
    site.nodes.select("n1").set(serialport=None)
    assert site.nodes["n1"].get("serialport") == ""


def test_completion_offers_names_and_groups(site: Site) -> None:
    assert {"n1", "gpu1", "gpu", "all"} <= set(site.nodes._ipython_key_completions_())
    assert site.osimages._ipython_key_completions_() == [COMPUTE, SERVICE]
    assert {"n1", "gpu1", "df", "where"} <= set(dir(site.nodes))
    assert site.nodes.gpu1 == site.nodes["gpu1"]
    assert site.nodes.select("n[1-3]").n2 == site.nodes["n2"]
    with pytest.raises(AttributeError, match="neither an attribute nor an object 'n99'"):
        _ = site.nodes.n99


def test_a_frame_has_the_attributes_in_use_under_their_names(site: Site) -> None:
    site.set("node", "n1", bmcpassword="hush", **{"nicips.eth0": "10.1.0.1"})
    frame = site.nodes.df
    assert frame.index.name == "node"
    assert {"groups", "mgt", "bmc", "bmcpassword", "nicips.eth0", "serialport"} == set(frame.columns)
    assert frame.loc["gpu1", ["mgt", "bmc", "serialport"]].tolist() == ["openbmc", "", "1"]
    assert frame.loc["n1", "bmcpassword"] == "***"
    assert "hush" not in frame.to_csv() + repr(frame.attrs) + json.dumps(frame.attrs)
    assert b"hush" not in pickle.dumps(frame)
    assert site.osimages.df.index.tolist() == [COMPUTE, SERVICE]
    assert site.osimages.df.index.name == "imagename"
    assert site.networks.df.empty
    assert isinstance(site.nodes.select("n[1-3]").df, pd.DataFrame)


def test_displays_fold_what_is_alike(site: Site) -> None:
    assert repr(site.nodes).splitlines() == [
        "21 nodes",
        "           groups       mgt",
        "  gpu1     gpu,all      openbmc",
        "  n[1-20]  compute,all  ipmi",
    ]
    html = html_of(site.nodes)
    assert "n[1-20]" in html
    assert "<style" not in html
    assert "n[1-20]" in repr(site.groups)
    assert repr(site.networks) == "0 networks"
    assert html_of(site.networks)


def test_displays_are_cut_and_escaped(site: Site) -> None:
    site.change("network", {f"net{i}": {"net": f"10.{i}.0.0", "mgtifname": "<b>"} for i in range(60)})
    assert "and 20 more rows" in repr(site.networks)
    assert "&lt;b&gt;" in html_of(site.networks)
    assert "<b>" not in html_of(site.networks)
