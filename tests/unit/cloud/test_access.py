"""Passwords, sessions, tokens, and what happens to those who guess."""

import pytest

from voltherd.adapters.sqlite.accounts import AccountBook
from voltherd.cloud import access as accesses
from voltherd.cloud.access import Access, digest, hash_password, new_token, password_fits
from voltherd.cloud.problems import ProblemError
from voltherd.errors import StoreError, UsageError

PASSWORD = "correct horse battery"


class Watch:
    def __init__(self):
        self.second = 0.0

    def __call__(self):
        return self.second


@pytest.fixture(scope="module")
def hashed():
    return hash_password(PASSWORD)


@pytest.fixture
def book(tmp_path, hashed):
    made = AccountBook(tmp_path / "accounts.sqlite")
    made.put_user("ada", hashed, 0.0)
    return made


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def access(book, watch):
    return Access(book, True, True, watch)


def test_a_password_fits_itself_only(hashed):
    assert password_fits(PASSWORD, hashed)
    assert not password_fits(PASSWORD + " ", hashed)


def test_the_same_password_is_hashed_differently_each_time(hashed):
    assert PASSWORD not in hashed
    assert hash_password(PASSWORD) != hashed
    assert hashed.startswith("scrypt$32768$8$1$")


def test_a_short_password_is_refused():
    with pytest.raises(UsageError, match="too short"):
        hash_password("nine char")


def test_signing_in_gives_a_session_that_names_the_user(access):
    session = access.sign_in("ada", PASSWORD, "10.0.0.1")
    assert access.who("", session) == "ada"
    assert access.who("", session + "x") == ""
    access.sign_out(session)
    assert access.who("", session) == ""


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_a_wrong_name_and_a_wrong_password_read_the_same(access, name):
    with pytest.raises(ProblemError) as told:
        access.sign_in(name, "wrong password", "10.0.0.1")
    assert told.value.kind == "sign-in-refused"


def test_a_session_ends_when_it_is_not_used(access, watch):
    session = access.sign_in("ada", PASSWORD, "10.0.0.1")
    watch.second += accesses.SESSION_SECOND - 1.0
    assert access.who("", session) == "ada"
    watch.second += accesses.SESSION_SECOND - 1.0
    assert access.who("", session) == "ada", "using it keeps it"
    watch.second += accesses.SESSION_SECOND + 1.0
    assert access.who("", session) == ""


def test_a_session_ends_after_a_week_at_most(access, watch):
    session = access.sign_in("ada", PASSWORD, "10.0.0.1")
    while watch.second < accesses.SESSION_SECOND_MAX:
        assert access.who("", session) == "ada"
        watch.second += accesses.SESSION_SECOND / 2
    watch.second += 1.0
    assert access.who("", session) == ""


def test_a_user_who_is_removed_is_out_at_once(access, book):
    session = access.sign_in("ada", PASSWORD, "10.0.0.1")
    book.remove("user", "ada")
    assert access.who("", session) == ""


def test_whoever_guesses_has_to_wait_longer_and_longer(access, watch):
    for _ in range(accesses.TRIES_MAX):
        with pytest.raises(ProblemError) as told:
            access.sign_in("ada", "wrong password", "10.0.0.1")
        assert told.value.kind == "sign-in-refused"
    waits = []
    for _ in range(4):
        with pytest.raises(ProblemError) as told:
            access.sign_in("ada", PASSWORD, "10.0.0.1")
        assert told.value.kind == "too-many-tries", "even the right password waits"
        waits.append(int(told.value.headers["Retry-After"]))
        watch.second += waits[-1]
        with pytest.raises(ProblemError):
            access.sign_in("ada", "wrong password", "10.0.0.1")
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    watch.second += accesses.WAIT_SECOND_MAX
    assert access.sign_in("ada", PASSWORD, "10.0.0.1")


def test_an_address_that_guesses_many_names_has_to_wait_too(access):
    for number in range(accesses.TRIES_MAX):
        with pytest.raises(ProblemError):
            access.sign_in(f"user-{number}", "wrong password", "10.0.0.1")
    with pytest.raises(ProblemError) as told:
        access.sign_in("ada", PASSWORD, "10.0.0.1")
    assert told.value.kind == "too-many-tries"
    assert access.sign_in("ada", PASSWORD, "10.0.0.2"), "another address need not"


def test_a_token_names_its_machine_and_is_kept_as_a_digest(access, book):
    token, kept = new_token()
    book.put_token("historian", kept, 0.0)
    assert access.who(f"Bearer {token}", "") == "historian"
    assert access.who(f"bearer  {token} ", "") == "historian"
    assert access.who(f"Bearer {token}x", "") == ""
    assert access.who(f"Basic {token}", "") == ""
    assert token.encode() not in book.path.read_bytes()
    book.remove("token", "historian")
    assert access.who(f"Bearer {token}", "") == ""


def test_no_password_is_on_the_disk(book):
    assert PASSWORD.encode() not in book.path.read_bytes()


def test_only_the_owner_can_read_the_accounts(book):
    assert book.path.stat().st_mode & 0o077 == 0


def test_a_new_password_takes_the_place_of_the_old(book, access):
    book.put_user("ada", hash_password("another password"), 1.0)
    assert book.names("user") == ("ada",)
    with pytest.raises(ProblemError):
        access.sign_in("ada", PASSWORD, "10.0.0.1")
    assert access.sign_in("ada", "another password", "10.0.0.1")


def test_removing_nobody_is_told(book):
    with pytest.raises(UsageError, match="no token"):
        book.remove("token", "ghost")


def test_a_book_that_was_never_written_is_empty_and_stays_unwritten(tmp_path):
    book = AccountBook(tmp_path / "none.sqlite")
    assert book.users() == 0
    assert book.password_hash("ada") is None
    assert not book.path.exists()


def test_a_damaged_book_is_told_in_words(tmp_path):
    path = tmp_path / "accounts.sqlite"
    path.write_bytes(b"this is no database, and long enough to be read as a header of one" * 9)
    with pytest.raises(StoreError, match="account book refused"):
        AccountBook(path).users()


def test_names_that_are_no_text_find_nobody(access):
    with pytest.raises(ProblemError):
        access.sign_in("\ud800", "wrong password", "10.0.0.1")
    assert access.who("Bearer \udcff", "") == ""
    assert digest("\udcff")
