import re

from hypothesis import given
from hypothesis import strategies as st

from chatire_replay.names import username

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
nicks = st.text(st.sampled_from("abXY09[]\\`_^{|}-."), min_size=1, max_size=40)


@given(nicks)
def test_every_nick_gives_a_name_that_the_rules_allow(nick):
    assert USERNAME.fullmatch(username(nick))


@given(nicks, nicks)
def test_two_nicks_share_a_name_only_when_they_differ_in_case_alone(one, other):
    assert (username(one).lower() == username(other).lower()) == (one.lower() == other.lower())


def test_a_nick_that_the_rules_allow_is_its_own_name():
    assert username("Humbedoo") == "humbedoo"


def test_a_nick_spelt_like_the_mapped_name_of_another_is_mapped_too():
    mapped = username("|trey|")
    assert username(mapped) != mapped
