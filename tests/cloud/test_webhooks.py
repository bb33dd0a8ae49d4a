"""Other services are told of findings: signed, in time, and once, whatever fails in between."""

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from voltherd.adapters.http.client import post
from voltherd.adapters.sqlite.outgoing import OutgoingBook
from voltherd.cloud import webhooks as hooks
from voltherd.cloud.webhooks import Target, Webhooks
from voltherd.errors import ServiceError, StoreError
from voltherd.types.event import Severity

SECRET = "a secret that signs"


class Service:
    """A service that is told: answers with the statuses given, then with 204."""

    def __init__(self, statuses=()):
        self.heard, self.statuses = [], list(statuses)
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.heard.append((dict(self.headers), body, time.monotonic()))
                status = service.statuses.pop(0) if service.statuses else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"{service.url}elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def wait(self, count, second=30.0):
        until = time.monotonic() + second
        while len(self.heard) < count:
            assert time.monotonic() < until, f"told {len(self.heard)} times only"
            time.sleep(0.02)
        return self.heard

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service():
    made = []

    def start(*statuses):
        made.append(Service(statuses))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    return str(path)


@pytest.fixture
def outgoing(tmp_path):
    book = OutgoingBook(tmp_path / "outgoing.sqlite")
    yield book
    book.close()


def signed(headers, body):
    """Whether a receiver that knows the secret finds the signature right."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{mac}"


def test_a_finding_is_told_signed_within_the_stated_time(
    start_of, filled_anew, clock, service, secret
):
    told = service()
    hook = {"url": told.url, "secret_file": secret}
    running = start_of(filled_anew(), clock, webhook=[hook])
    [(headers, body, _)] = told.wait(1)
    assert signed(headers, body)
    notice = json.loads(body)
    assert notice["type"] == "finding.raised"
    assert notice["data"]["title"] == "sensor stuck"
    assert notice["data"]["vehicle_id"] == "bus-1"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    import httpx2
    from prometheus_client.parser import text_string_to_metric_families

    text = httpx2.get(f"{running.url}metrics", timeout=10.0).text
    families = {f.name: f for f in text_string_to_metric_families(text)}
    samples = {s.name: s.value for s in families["voltherd_webhook_second"].samples if not s.labels}
    assert samples["voltherd_webhook_second_count"] == 1
    assert samples["voltherd_webhook_second_sum"] < hooks.STATED_SECOND


def test_a_service_that_fails_first_is_told_again(start_of, filled_anew, clock, service, secret):
    told = service(500, 302, 429)
    start_of(filled_anew(), clock, webhook=[{"url": told.url, "secret_file": secret}])
    heard = told.wait(4)
    assert len({headers["webhook-id"] for headers, _, _ in heard}) == 1
    pauses = [later[2] - sooner[2] for sooner, later in itertools.pairwise(heard)]
    assert pauses[0] > 0.9
    assert pauses[2] > pauses[0], "longer from time to time"


def test_nothing_is_lost_or_repeated_over_restarts(start_of, filled_anew, clock, service, secret):
    folder, told = filled_anew(), service(500)
    hook = [{"url": told.url, "secret_file": secret}]
    start_of(folder, clock, webhook=hook)
    told.wait(1)  # refused; the cloud stops before it tries again
    start_of(folder, clock, webhook=hook)
    told.wait(2)
    time.sleep(0.5)
    start_of(folder, clock, webhook=hook)
    time.sleep(3.0)
    assert len(told.heard) == 2


def test_milder_findings_are_not_told(start_of, filled_anew, clock, service, secret):
    told = service()
    hook = {"url": told.url, "secret_file": secret, "severity": "safety"}
    start_of(filled_anew(), clock, webhook=[hook])
    time.sleep(2.0)
    assert told.heard == []


class Teller:
    """Webhooks with a clock and an answer that the test decides."""

    def __init__(self, outgoing, answers):
        self.now, self.answers, self.sent = 1000.0, list(answers), []
        self.target = Target(url="http://a/", secret=SECRET, severity=Severity.OPERATING)
        self.hooks = Webhooks(
            [self.target], outgoing, self.post, lambda _: (), lambda: self.now, lambda: self.now
        )
        self.outgoing = outgoing

    def post(self, url, headers, body):
        self.sent.append((self.now, body))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    def put(self, name):
        self.outgoing.put(f"{name} http://a/", "http://a/", "bus-1", name.encode(), self.now)


def test_a_service_in_trouble_is_left_alone_and_order_is_kept(outgoing):
    teller = Teller(outgoing, [ServiceError("no answer"), 503])
    for name in ("one", "two"):
        teller.put(name)
    for _ in range(4):
        teller.hooks.deliver(teller.target)
    assert [body for _, body in teller.sent] == [b"one"], "not due again yet"
    for _ in range(5):
        teller.now += 1.0
        teller.hooks.deliver(teller.target)
    assert [body for _, body in teller.sent] == [b"one", b"one", b"one", b"two"]


def test_pauses_grow_up_to_a_limit(outgoing):
    teller = Teller(outgoing, [500] * 40)
    teller.put("one")
    while teller.now < 1000.0 + 4 * hooks.RETRY_SECOND_MAX:
        teller.hooks.deliver(teller.target)
        teller.now += 0.5
    times = [second for second, _ in teller.sent]
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(pauses) == hooks.RETRY_SECOND_MAX


def test_a_service_that_is_gone_is_given_up_and_that_is_kept(outgoing):
    teller = Teller(outgoing, [410])
    teller.put("one")
    teller.hooks.deliver(teller.target)
    assert outgoing.counts() == {"given_up": 1}


def test_what_nobody_wanted_for_days_is_given_up(outgoing):
    teller = Teller(outgoing, [500, 500])
    teller.put("one")
    teller.hooks.deliver(teller.target)
    teller.now += hooks.GIVE_UP_SECOND + 1.0
    teller.hooks.deliver(teller.target)
    assert outgoing.counts() == {"given_up": 1}


def test_what_the_medium_refused_is_kept_when_it_accepts_again(outgoing, monkeypatch):
    teller = Teller(outgoing, [])
    notice = hooks.Notice("one http://a/", "http://a/", "bus-1", b"one")
    monkeypatch.setattr(
        teller.outgoing, "put", lambda *_: (_ for _ in ()).throw(StoreError("full"))
    )
    teller.hooks.keep(notice)
    with pytest.raises(StoreError):
        teller.hooks.deliver(teller.target)
    monkeypatch.undo()
    teller.hooks.deliver(teller.target)
    assert [body for _, body in teller.sent] == [b"one"]


def test_a_name_is_told_once(outgoing):
    assert outgoing.put("a", "t", "bus-1", b"x", 0.0)
    assert not outgoing.put("a", "t", "bus-1", b"y", 0.0)
    [message] = outgoing.due("t", 1.0, 10)
    assert message.body == b"x"


def test_nobody_there_is_told_in_words():
    with pytest.raises(ServiceError, match="no answer"):
        post("http://127.0.0.1:9/x", {}, b"{}")


def test_redirections_are_not_followed(service):
    told = service(302)
    assert post(told.url, {}, b"{}") == 302
    assert len(told.heard) == 1
