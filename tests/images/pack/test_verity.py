"""Hash trees of packed roots: counted alike here and in the initrd, the same every time, and a wrong block is named."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_packimage import IMAGE, define, plant

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.catalog import keys
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.pack import verity
from sbkernel.images.pack.formats import opened
from sbkernel.images.packimage import packimage, plan_packimage
from sbkernel.images.verifyimage import verify_image
from sbkernel.site import Site

SCRIPT = Path(__file__).resolve().parents[3] / "templates/initrd/verify.sh"


@given(st.integers(1, 2**32))
def test_the_blocks_of_data_follow_from_all_blocks(data: int) -> None:
    assert verity.data_blocks(verity.with_tree(data)) == data


def test_the_initrd_counts_alike() -> None:
    numbers = [*range(1, 140), 16385, 16511, 16512, 16513, 2_100_000, 2_113_665]
    text = f'. "{SCRIPT}"\nfor n in {" ".join(map(str, numbers))}; do data_blocks "$n" || echo none; done'
    said = subprocess.run(["busybox", "sh", "-uc", text], capture_output=True, text=True, check=True).stdout.split()
    expected = []
    for number in numbers:
        data = verity.data_blocks(number)
        expected.append(str(data) if data else "none")
    found = [word for at, word in enumerate(said) if said[at + 1 : at + 2] != ["none"]]
    assert found == expected


@pytest.mark.parametrize("size", [1, 4096, 4097, 128 * 4096, 129 * 4096 - 1, 400 * 4096])
def test_a_tree_is_the_same_every_time_and_a_wrong_block_is_found(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    found = []
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(content)
        found.append((verity.add(tmp_path / name), (tmp_path / name).read_bytes()))
    assert found[0] == found[1] and found[0][1].startswith(content)
    file, root_hash = tmp_path / "one", found[0][0]
    verity.check(file, root_hash)
    with file.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(bytes([content[size // 2] ^ 1]))
    with pytest.raises(BuildError, match=f"does not have the root hash {root_hash}"):
        verity.check(file, root_hash)
    with pytest.raises(BuildError, match="has no hash tree at its end"):
        verity.check(SCRIPT, root_hash)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    define(site, IMAGE, tmp_path / "built")
    plant(tmp_path / "built", megabytes=1)
    return site


@pytest.mark.parametrize("method", ["squashfs", "erofs"])
def test_an_image_with_a_tree_is_another_version_and_a_second_run_does_nothing(site: Site, method: str) -> None:
    plain = packimage(site, IMAGE, method=method)
    done = packimage(site, IMAGE, method=method, verity=True)
    assert packimage(site, IMAGE, method=method, verity=True)["cached"] and plain["digest"] != done["digest"]
    version = Catalog(site).get(done["digest"])
    (root,) = version.roots
    _, root_hash, published, signed = verify_image(site, version)
    assert (root_hash, signed) == (f"root.{method}: root hash {root.verity}", "not signed")
    assert published.startswith("published 20")
    assert version.data["pack"]["verity"] == "sha256" and version.data["programs"][0]["dmsetup"]
    assert not Catalog(site).get(plain["digest"]).roots[0].verity
    assert sum(size for _, size in opened(version.root).sizes(version.root)) > 1_000_000
    assert "dm-verity" in str(plan_packimage(site, IMAGE, method=method, verity=True, force=True))


def test_a_root_that_is_unpacked_gets_no_tree(site: Site) -> None:
    with pytest.raises(DefinitionError, match="a cpio is unpacked: it has no blocks to verify later"):
        packimage(site, IMAGE, method="cpio", verity=True)


def test_a_site_with_a_key_signs_what_it_packs_and_its_nodes_ask_for_that(site: Site) -> None:
    before = packimage(site, IMAGE)
    key = keys.make(site)
    done = packimage(site, IMAGE)
    again = packimage(site, IMAGE)
    assert not done["cached"] and again["cached"] and done["digest"] == again["digest"] != before["digest"]
    version = Catalog(site).get(done["digest"])
    assert version.key == key.id and verify_image(site, version)[-1].startswith(f"signed by site {key.id}: {IMAGE}")
    assert sorted(path.name for path in version.dir.iterdir()) == [
        "image.json", "initrd", "kernel", "manifest.json", "root.squashfs", "sums", "sums.sig",
    ]  # fmt: skip
    assert Catalog(site).get(before["digest"]).key == ""
