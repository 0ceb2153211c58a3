"""Trees of rpm packages that are changed: each is compared with a clean build; what is built clean, and why."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ordinaryuser import USER, as_user, home
from rpmbase import BASE, make_base, open_image
from rpms import make_repository, make_rpm
from smallbuild import Recorder

from sbkernel.images.families.rpm.solver import interpreter, script
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import seal
from sbkernel.images.layers.making import Making
from sbkernel.images.plan import digest_of
from sbkernel.jobs.run import run
from sbkernel.site import Site

__all__ = ["home"]

NEEDS = f"Requires: {BASE}\nRequires(pre): {BASE}\n"
USER_OF = "%pre\necho {0}:x:$((900 + $(grep -c . /etc/passwd))):0::/:/bin/sh >> /etc/passwd\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repositories") / "BaseOS"
    place.mkdir()
    make_base(place)
    for name in ("a-user", "b-user"):
        make_rpm(place, name, "1-1", "noarch", more=NEEDS, scripts=USER_OF.format(name))
    for number in range(3):
        make_rpm(place, f"needs-b-{number}", "1-1", "noarch", more=f"{NEEDS}Requires: b-user\n")
    make_rpm(place, "plain", "1-1", "noarch", more=NEEDS)
    make_rpm(place, "late", "1-1", "noarch", more=NEEDS, made=int(time.time()) - 3600)
    conf = {"etc/conf": "x\n", "etc/conf.d/late": "x\n"}
    make_rpm(place, "conf", "1-1", more=NEEDS, files=conf, marks={"etc/conf": "%config"})
    make_rpm(place, "ghost", "1-1", "noarch", more=NEEDS, marks={"var/ghost": "%ghost"}, files={"var/ghost": "x"})
    make_rpm(place, "haunted", "1-1", "noarch", more=NEEDS, scripts="%post\necho boo > /var/ghost\n")
    make_rpm(place, "waits", "1-1", "noarch", more=NEEDS, scripts="%triggerin -- plain\necho plain > /etc/seen\n")
    make_repository(place)
    return place


@dataclass
class Trees:
    """Layers of one site, and what was said while they were made."""

    site: Site
    packages: Path
    layers: Layers
    report: Recorder

    def making(self, text: str, osvers: str = "rocky9.4", **how: bool) -> tuple[Making, str]:
        manager = open_image(self.site, str(self.packages), text.replace(" ", "\n"), osvers=osvers)
        resolution = manager.resolve(self.report)
        manager.fetch(resolution, self.report)
        return Making(self.layers, manager, resolution, **how), digest_of(manager.inputs(resolution))

    def make(self, text: str, osvers: str = "rocky9.4") -> str:
        """Make a layer, compare it with a clean build, and tell how it was made."""
        how, digest = self.making(text, osvers, verify=True)
        os.close(self.layers.make(digest, lambda tree: how.make(tree, self.report)))
        return str(self.layers.facts(digest)["how"])

    def tree(self, text: str) -> Path:
        return self.layers.tree(self.making(text)[1])


@pytest.fixture
def trees(packages: Path, tmp_path: Path) -> Iterator[Trees]:
    (tmp_path / "layers").mkdir()
    with Site.open(tmp_path / "a site") as site:
        yield Trees(site, packages, Layers(tmp_path / "layers"), Recorder())


@pytest.mark.parametrize("osvers", ["rhels10.0", "fedora42", "sles15.6", "rocky8.10"])
def test_every_release_is_changed_with_its_records(trees: Trees, osvers: str) -> None:
    assert trees.make("plain", osvers) == "clean: no layer is near"
    assert trees.make("plain conf late", osvers).endswith(": + conf, + late")
    assert trees.make("conf", osvers).endswith(": - late, - plain")
    assert "the tree is exactly what a clean build gives" in trees.report.lines


def test_numbers_of_users_are_those_of_a_clean_build(trees: Trees) -> None:
    """rpm orders by how many need a package: those that need b move its user before that of a."""
    trees.make("a-user b-user")
    assert (trees.tree("a-user b-user") / "etc/passwd").read_text().splitlines()[-1].startswith("b-user:x:902:")
    assert trees.make("a-user b-user plain").endswith("+ plain")
    wanted = "a-user b-user " + " ".join(f"needs-b-{number}" for number in range(3))
    how = trees.make(wanted)
    assert how == "clean: b-user would come before a-user, and the scriptlets of both may do anything"
    assert (trees.tree(wanted) / "etc/passwd").read_text().splitlines()[-1].startswith("a-user:x:902:")
    assert trees.make("a-user plain").startswith("clean: %pre of b-user does what nothing is known of: echo b-user:x:")


def test_what_somebody_else_has_made_or_changed_is_built_clean(trees: Trees) -> None:
    trees.make("ghost haunted")
    assert trees.make("haunted") == "clean: /var/ghost of ghost was made by somebody else"
    trees.make("waits")
    assert trees.make("waits plain") == "clean: waits does something when plain comes or goes"


def test_a_tree_made_with_another_environment_or_in_other_passes_is_not_started_from(trees: Trees) -> None:
    trees.make("#ENV:A=1#\nplain")
    assert trees.make("#ENV:A=2#\nplain conf") == "clean: no layer is near"
    assert trees.make("#ENV:A=1#\nplain conf").endswith(": + conf")


def test_a_database_in_the_form_of_the_image_alone_is_built_clean(trees: Trees) -> None:
    trees.make("plain", "rocky8.10")
    tree = trees.layers.tree(trees.making("plain", "rocky8.10")[1])
    (tree / "var/lib/rpm/rpmdb.sqlite").rename(tree / "var/lib/rpm/Packages")
    digest = trees.making("plain", "rocky8.10")[1]
    file = trees.layers.root / digest / "layer.json"
    file.write_text(json.dumps({**trees.layers.facts(digest), "seal": seal(tree)}))
    reason = "clean: rpm of the image keeps its packages as bdb, whose files differ from build to build"
    assert trees.make("plain conf", "rocky8.10") == reason


def test_rpm_installs_in_the_order_that_is_looked_at(trees: Trees) -> None:
    """The order of a build is computed from headers: here it is what rpm has really done."""
    names = "a-user b-user conf ghost haunted late needs-b-0 needs-b-1 plain waits"
    trees.make(names)
    done = [line.split()[1] for line in trees.report.lines if line.startswith("Installing ")]
    assert len(done) == len(set(done)) == len(names.split()) + 1
    asked = {"root": str(trees.layers.tree(trees.making(names)[1])), "database": "var/lib/rpm", "coming": [],
             "leaving": [], "alone": [], "laid_out": []}  # fmt: skip
    seen = json.loads(run([interpreter(), "-I", script("look.py")], input=json.dumps(asked)).stdout)
    before = [f"{name}-{rest.replace(':', '.')}" for name, _, rest in (key.partition("=") for key in seen["order"][0])]
    assert before == done


AS_USER = """
import sys
sys.path[:0] = {tests}
from pathlib import Path
from smallbuild import Recorder
from test_rpm_change import Trees
from sbkernel.images.layers.layers import Layers
from sbkernel.site import Site
(Path.home() / "layers").mkdir()
with Site.open(Path.home() / "site") as site:
    trees = Trees(site, Path.home() / "repository", Layers(Path.home() / "layers"), Recorder())
    print([trees.make(text) for text in ("a-user conf", "a-user conf late plain", "a-user late")])
"""


def test_an_ordinary_user_changes_trees(home: Path, packages: Path) -> None:
    shutil.copytree(packages, home / "repository", symlinks=True)
    subprocess.run(["chown", "-R", f"{USER}:", home / "repository"], check=True)
    here = Path(__file__)
    tests = [str(here.parent), *(str(here.parents[number]) for number in (1, 2, 3))]
    said = as_user(home, "-c", AS_USER.format(tests=tests)).splitlines()[-1]
    first, second, third = json.loads(said.replace("'", '"'))
    assert first == "clean: no layer is near"
    assert second.endswith("+ late, + plain")
    assert third.endswith("- conf, - plain")
