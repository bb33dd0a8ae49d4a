"""Who is let in: other sites' pages never, strangers only on loopback, everybody else by name."""

import ssl

import httpx2
import pytest
import trustme

from voltherd.adapters.sqlite.accounts import AccountBook
from voltherd.cloud.access import hash_password, new_token
from voltherd.cloud.api import described
from voltherd.cloud.compose import compose
from voltherd.cloud.config import parse
from voltherd.errors import UsageError

PASSWORD = "correct horse battery"


# ---- on loopback, open ------------------------------------------------------------------------


def test_another_sites_name_is_not_answered(client):
    answer = client.get("/api/v1/vehicles", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.json()["type"] == "/api/problems/host-refused"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1234", "[::1]", "LOCALHOST:80"])
def test_names_of_this_machine_are_answered(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["localhost.evil.example", "evil.example@localhost:1", "a b", "["])
def test_names_that_only_look_like_it_are_not(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_sites_page_changes_nothing(client, headers):
    answer = client.post("/api/v1/findings/x/note", json={"by": "a", "text": "b"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "/api/problems/origin-refused"


def test_our_own_page_does(client, running):
    answer = client.post(
        "/api/v1/findings/x/note",
        json={"by": "a", "text": "b"},
        headers={"Origin": running.url.rstrip("/"), "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 404, "let through, to a finding that is not there"


def test_no_other_origin_may_read(client):
    answer = client.get("/api/v1/vehicles", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("told", [True, False], ids=["told", "chunked"])
def test_a_body_that_is_too_large_is_not_read(client, told):
    body = b'{"by":"' + b"a" * 100_000 + b'"}'
    content = body if told else iter([body[:50_000], body[50_000:]])
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/findings/x/note", content=content, headers=headers)
    assert answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


# ---- beyond it ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    made = authority.issue_cert("127.0.0.1", "fleet.example", "0.0.0.0")
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}


def config(folder, **http):
    plain = {"store": {"path": str(folder)}, "http": {"host": "0.0.0.0", "port": 0, **http}}
    return parse(plain, "test")


def test_it_does_not_start_beyond_loopback_without_tls(tmp_path):
    AccountBook(tmp_path / "accounts.sqlite").put_user("ada", hash_password(PASSWORD), 0.0)
    with pytest.raises(UsageError, match="without TLS"):
        compose(config(tmp_path))


def test_it_does_not_start_beyond_loopback_while_nobody_can_sign_in(tmp_path, certificate):
    with pytest.raises(UsageError, match="voltherd cloud user add"):
        compose(config(tmp_path, **certificate))


@pytest.mark.parametrize(
    ("http", "told"),
    [
        ({"tls_cert": "/nowhere/cert.pem", "tls_key": "/nowhere/key.pem"}, "no such file"),
        ({"tls_cert": "/nowhere/cert.pem"}, "come together"),
    ],
    ids=["missing", "half"],
)
def test_certificates_that_are_not_there_are_told(tmp_path, http, told):
    with pytest.raises(UsageError, match=told):
        compose(config(tmp_path, **http))


@pytest.fixture(scope="module")
def secured(filled_for_module, start_of_module, certificate, clock):
    """A cloud that anybody can reach, with one user and one machine."""
    book = AccountBook(filled_for_module / "accounts.sqlite")
    book.put_user("ada", hash_password(PASSWORD), 0.0)
    token, digest = new_token()
    book.put_token("historian", digest, 0.0)
    http = {"host": "0.0.0.0", "port": 0, "hosts": ["127.0.0.1"], **certificate}
    running = start_of_module(filled_for_module, clock, http=http)
    return running, token


@pytest.fixture
def stranger(secured, authority):
    running, _ = secured
    context = ssl.create_default_context()
    authority.configure_trust(context)
    url = running.url.replace("0.0.0.0", "127.0.0.1")
    assert url.startswith("https://")
    with httpx2.Client(base_url=url, verify=context, timeout=30.0) as made:
        yield made


def routes():
    for path, methods in described().openapi()["paths"].items():
        for method in methods:
            yield method.upper(), path


@pytest.mark.parametrize(("method", "path"), list(routes()))
def test_every_route_needs_signing_in(stranger, method, path):
    path = path.format(vehicle_id="bus-1", finding_id="x", station_id="S01", session_id="1")
    answer = stranger.request(method, path, json={} if method == "POST" else None)
    if path in ("/healthz", "/readyz"):
        assert answer.status_code == 200
    elif (method, path) == ("POST", "/api/v1/session"):
        assert answer.status_code == 422
    else:
        assert answer.status_code == 401
        assert answer.json()["type"] == "/api/problems/sign-in-needed"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/metrics", "/api/docs", "/api/openapi.json"])
def test_what_is_no_route_of_the_api_needs_it_too(stranger, path):
    assert stranger.get(path).status_code == 401


def test_the_dashboards_own_files_do_not(stranger):
    assert stranger.get("/").status_code == 200


def test_a_user_signs_in_acts_under_her_name_and_signs_out(stranger):
    answer = stranger.post("/api/v1/session", json={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=strict", "path=/"))
    assert stranger.get("/api/v1/session").json() == {"name": "ada"}
    meta = stranger.get("/api/v1/meta").json()
    assert (meta["signed_in_as"], meta["sign_in"]) == ("ada", True)
    [row] = stranger.get("/api/v1/findings").json()["items"]
    path = f"/api/v1/findings/{row['finding_id']}/note"
    told = stranger.post(path, json={"by": "somebody else", "text": "hm"}).json()
    assert told["journal"][-1]["by"] == "ada", "a name that was signed in with is not made up"
    assert stranger.delete("/api/v1/session").status_code == 204
    assert stranger.get("/api/v1/vehicles").status_code == 401


def test_a_session_that_was_ended_cannot_be_used_again(stranger):
    stranger.post("/api/v1/session", json={"name": "ada", "password": PASSWORD})
    kept = dict(stranger.cookies)
    stranger.delete("/api/v1/session")
    stranger.cookies.update(kept)
    assert stranger.get("/api/v1/vehicles").status_code == 401


def test_a_machine_sends_its_token(stranger, secured):
    _, token = secured
    headers = {"Authorization": f"Bearer {token}"}
    assert stranger.get("/api/v1/vehicles", headers=headers).status_code == 200
    assert stranger.get("/metrics", headers=headers).status_code == 200
    wrong = {"Authorization": f"Bearer {token[:-1]}"}
    assert stranger.get("/api/v1/vehicles", headers=wrong).status_code == 401


def test_guessing_is_slowed_down(stranger):
    answers = [
        stranger.post("/api/v1/session", json={"name": "eve", "password": f"guess {n}"})
        for n in range(7)
    ]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_browsers_are_told_to_come_back_encrypted(stranger):
    assert "max-age" in stranger.get("/").headers["strict-transport-security"]


def test_plain_text_is_not_spoken(secured):
    running, _ = secured
    url = running.url.replace("https://0.0.0.0", "http://127.0.0.1")
    with pytest.raises(httpx2.HTTPError):
        httpx2.get(url, timeout=5.0)
