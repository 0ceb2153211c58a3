"""The card of a packed image."""

from pathlib import Path

from smallimage import publish

from sbkernel.site import Site
from sbkernel.workbench.displays.images import image_version


def test_it_shows_what_each_root_weighs_the_topmost_first(tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site:
        roots = ["root.squashfs", "over.squashfs", "layer.squashfs"]
        shown = image_version(publish(site, bytes(2_000_000), "img", roots=roots))
    assert shown.text.endswith("root 14 B over 13 B over 2.0 MB")
    places = [str(shown.html).index(word) for word in (">layer 2<", ">layer 1<", ">root<", ">initrd<")]
    assert places == sorted(places)
