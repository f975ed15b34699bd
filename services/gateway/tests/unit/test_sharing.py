"""Things by a key that few of them share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_service.realtime.sharing import Sharing

DEEDS = st.lists(st.tuples(st.sampled_from(["add", "discard"]), st.sampled_from("ab"), st.sampled_from([1, 2, 3])))


@given(DEEDS)
def test_it_is_as_a_set_for_each_key(deeds: list[tuple[str, str, int]]) -> None:
    sharing: Sharing[str, int] = Sharing()
    sets: dict[str, set[int]] = {"a": set(), "b": set()}
    for deed, key, item in deeds:
        if deed == "add":
            sets[key].add(item)
            assert sharing.add(key, item) == len(sets[key])
        else:
            sets[key].discard(item)
            sharing.discard(key, item)
        assert {each: sorted(sharing.of(each)) for each in sets} == {each: sorted(sets[each]) for each in sets}


def test_who_has_a_key_to_itself_costs_no_set() -> None:
    sharing: Sharing[str, str] = Sharing()
    sharing.add("ada", "phone")
    assert not sharing._shared
    sharing.add("ada", "phone")
    assert sharing.of("ada") == ["phone"]
    assert not sharing._shared
