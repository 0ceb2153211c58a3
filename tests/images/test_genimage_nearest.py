"""genimage starts from the layer of another image, says so before and after, and verifies or avoids it when asked."""

from smallbuild import EVERYTHING, Small, another

from sbkernel.cli.genimage import summary
from sbkernel.images.genimage import genimage, plan_genimage


def test_a_package_is_added_to_the_layer_of_another_image(small: Small) -> None:
    another(small, "near")
    pkglist = small.pkglist.with_name("near.pkglist")
    pkglist.write_text(f"{small.pkglist.read_text()}own-later\n")
    small.site.set("osimage", "near", pkglist=str(pkglist))
    foreseen = plan_genimage(small.site, "near").layer
    assert foreseen.endswith(": + own-later; clean if their scripts need that (own-later is not downloaded yet)")
    small.site.set("osimage", "near", pkglist=str(small.pkglist))
    genimage(small.site, "near")
    small.site.set("osimage", "near", pkglist=str(pkglist))
    result = genimage(small.site, "near", verify=True)
    assert result["layer"].endswith(": + own-later")
    assert f"\npackages: {result['layer']}\n" in summary(result)
    assert result["layer"].startswith("from layer ")
    assert "packages: " not in str(plan_genimage(small.site, "near")), "nothing is pending"
    assert genimage(small.site, "near")["built"] == []
    assert "\npackages: clean, as asked\n" in str(plan_genimage(small.site, "near", clean=True))
    again = genimage(small.site, "near", clean=True)
    assert (again["built"], again["layer"]) == (EVERYTHING, "clean: as asked")
    assert genimage(small.site, "near", clean=True)["built"] == [], "it was made clean"
