"""Which versions an update takes that is for security alone, by the order of each family."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.families.security import out_of_reach, refuse_strays, wanted
from sbkernel.packages.versions import newer

FAMILIES = st.sampled_from(["deb", "rpm"])
VERSIONS = st.sampled_from(["1.0-1", "1.0+deb12u1-1", "1.1-1", "2:0.1-1", "1.0~rc1-1", "1.1-2"])


@given(FAMILIES, VERSIONS, st.sets(VERSIONS), st.sets(VERSIONS))
def test_no_version_goes_back_and_none_comes_without_a_fix(
    family: str, present: str, fixed: set[str], offered: set[str]
) -> None:
    (chosen,) = wanted(family, {"x": present}, {"x": list(fixed)}, {"x": list(offered)}).values()
    assert chosen == present or (chosen in offered and newer(family, chosen, present) == 1)
    known = [one for one in fixed if newer(family, one, present) == 1]
    known = [one for one in known if any(newer(family, one, other) != 1 for other in offered)]
    assert (chosen != present) is bool(known)
    assert all(newer(family, one, chosen) != 1 for one in known), "the newest fix that can be had is in it"
    missing = {one.removeprefix("x ") for one in out_of_reach(family, {"x": chosen}, {"x": list(fixed)})}
    assert missing == {one for one in fixed if newer(family, one, chosen) == 1} and not missing.intersection(known)
    again = wanted(family, {"x": chosen}, {"x": list(fixed)}, {"x": list(offered)})
    assert again == {"x": chosen}, "a second time there is nothing to do"


@given(FAMILIES, VERSIONS, st.sets(VERSIONS, min_size=1))
def test_a_fix_that_is_offered_comes_in_exactly_its_version(family: str, present: str, offered: set[str]) -> None:
    (chosen,) = wanted(family, {"x": present}, {"x": list(offered)}, {"x": list(offered)}).values()
    assert chosen in {present, *offered} and all(newer(family, one, chosen) != 1 for one in offered)


def test_what_would_change_for_another_reason_is_told() -> None:
    found = [Resolved("tool", "1.5", "all", 1, "a" * 64), Resolved("new", "1", "all", 1, "b" * 64)]
    refuse_strays(found, {"tool": "1.5"})
    with pytest.raises(BuildError, match=r"any more of:\n  tool 0.9 \(there is 1.5\)"):
        refuse_strays(found, {"tool": "0.9"})
