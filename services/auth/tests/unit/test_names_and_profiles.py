"""Names, passwords and profiles, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.accounts.blocklist import common_passwords
from auth_service.accounts.rules.names import email_problem, key_of, username_problem
from auth_service.accounts.rules.passwords import normalised, password_problem
from auth_service.accounts.rules.profiles import display_name_problem, locale_problem, status_text_problem


def _code(password: str, *context: str) -> str | None:
    problem = password_problem(password, common=common_passwords(), context=context)
    return problem and problem.code


@given(st.text(max_size=40))
def test_no_user_name_looks_like_an_address(name: str) -> None:
    assert username_problem(name) is not None or ("@" not in name and name.isascii() and 2 <= len(name) <= 32)


@given(st.emails(domains=st.sampled_from(["example.org", "sub.example.co.uk", "localhost"])))
def test_ordinary_addresses_are_taken(email: str) -> None:
    assert email_problem(email) is None
    assert key_of(email) == key_of(email.upper()) == key_of(key_of(email))


@given(st.text(min_size=12, max_size=128))
def test_any_unicode_of_the_right_length_is_a_password(password: str) -> None:
    assert _code(password) in {None, "common"}
    assert normalised(normalised(password)) == normalised(password)


@given(st.text(max_size=11))
def test_no_shorter_one_is(password: str) -> None:
    assert _code(password) == "too_short"


@pytest.mark.parametrize(
    ("password", "context"),
    [("qwerty123456", ()), ("QwErTy123456", ()), ("ada_lovelace!", ("ada_lovelace",)), ("AdaAda-AdaAda", ("ada",)),
     ("2024-lovelace-2024", ("ada", "lovelace")), ("chatire.chatire", ()), ("Chatire20261123!", ("ada",))],
)  # fmt: skip
def test_what_attackers_try_first_is_refused(password: str, context: tuple[str, ...]) -> None:
    assert _code(password, *context) == "common"


@pytest.mark.parametrize(
    ("password", "context"),
    [("correct horse battery staple", ("horse",)), ("Canada is cold in winter", ("ada",)), ("aaaaaaaaaaaa", ("ada",)),
     ("x" * 128, ()), ("my chatire passphrase", ("ada",)), ("绿色的房子里住着十二个人", ("ada",))],
)  # fmt: skip
def test_containing_a_name_is_no_fault(password: str, context: tuple[str, ...]) -> None:
    assert _code(password, *context) is None


def test_the_blocklist_is_there_and_holds_only_what_could_be_sent() -> None:
    assert len(common_passwords()) > 150
    assert all(len(password) >= 12 and password == password.lower() for password in common_passwords())


@pytest.mark.parametrize("name", ["Ada Lovelace", "李小龍", "👩‍👩‍👧", "x" * 64, "עדה", "O'Neil", "<b>"])
def test_people_may_be_called_what_they_like(name: str) -> None:
    assert display_name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", " ", "\u3000", "x" * 65, "a\nb", "a\rb", "\x7f", "a\u2028b", "\u202eada", "a\u2066"]
)
def test_but_for_what_breaks_the_page(name: str) -> None:
    assert display_name_problem(name) is not None


def test_a_status_may_be_empty_and_no_longer_than_140() -> None:
    assert status_text_problem("") is None
    assert status_text_problem("x" * 140) is None
    assert status_text_problem("x" * 141) is not None
    assert status_text_problem("a\x00b") is not None


@pytest.mark.parametrize("locale", ["en", "pt-BR", "zh-Hant-TW"])
def test_locales_are_language_tags(locale: str) -> None:
    assert locale_problem(locale) is None


@pytest.mark.parametrize("locale", ["", "e", "en_US", "en-", "de\n", "x" * 9])
def test_other_locales_are_refused(locale: str) -> None:
    assert locale_problem(locale) is not None
