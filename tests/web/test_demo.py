"""The dashboard on the running demo: live frames arrive, and the revealed truth agrees."""

import re
import subprocess
import sys
import threading
import time

import pytest

VEHICLES = 8
LIVE_SECOND_MAX = 300
"""Patience with a busy machine; what a fresh clone may take is held by `.ci/run`."""


def on_the_road(rows):
    """Whether every vehicle is heard, and its past worked through."""
    return len(rows) == VEHICLES and all(row["online"] and not row["catching_up"] for row in rows)


@pytest.fixture(scope="module")
def demo(dashboard):
    """The whole chain in a process of its own, its vehicles on the road."""
    port = dashboard.free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "voltherd", "demo"),
            *("--vehicles", str(VEHICLES), "--speed", "60", "--port", str(port)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    live = threading.Event()

    def listen():
        for line in process.stdout:
            said.append(line)
            if re.fullmatch(r"\s*[\d.]+ s\s+live\s*", line):
                live.set()

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    try:
        until = time.monotonic() + LIVE_SECOND_MAX
        while not live.wait(0.2):
            assert process.poll() is None and time.monotonic() < until, "".join(said)
        running = dashboard.RunningCloud(port=port)
        while not on_the_road(running.ask("vehicles?limit=100")["items"]):
            assert process.poll() is None and time.monotonic() < until, "".join(said)
            time.sleep(0.5)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
        listening.join(10)
        process.stdout.close()


@pytest.fixture
def view(dashboard, chromium, demo):
    with dashboard.Watched(chromium, demo.url) as watched:
        yield watched


def test_live_samples_arrive_on_one_connection_that_stays_at_home(view, demo):
    page = view.go("#/")
    page.wait_for_selector("section[aria-labelledby=attention] li")
    vehicle = page.locator("[data-place='0'] a").inner_text()
    page.locator("[data-place='0'] a").click()
    view.until(r"/\d live one/.test(document.querySelector('.foot')?.innerText)")
    before = page.locator(".foot").inner_text()
    view.until(f"document.querySelector('.foot')?.innerText !== {before!r}")
    watched = [r for r in view.requests if f"/stream?vehicle_id={vehicle}" in r.url]
    assert len(watched) == 1
    assert [r.url for r in view.requests if not r.url.startswith(demo.url + "/")] == []
    polled = [r.url for r in view.requests if re.search(r"/(vehicles\?|chain|meta)", r.url)]
    assert len(polled) == len(set(polled)), "what the stream tells is not asked for again"
    assert view.complaints == []


def test_the_banner_says_that_it_is_a_demo_and_how_fast(view, demo):
    page = view.go("#/")
    meta = demo.ask("meta")
    assert meta["demo"]
    page.wait_for_selector(f"aside >> text={meta['message']}")
    assert "60" in meta["message"]


def test_the_revealed_truth_agrees_with_the_findings(view, demo):
    page = view.go("#/")
    page.get_by_role("button", name="Reveal the truth").click()
    page.wait_for_selector("section[aria-labelledby=truth] tbody tr")
    view.until("document.querySelector('section[aria-labelledby=truth] b').innerText")
    truth = demo.ask("demo/truth")
    assert len(truth["planted"]) == 6
    told = page.locator("section[aria-labelledby=truth]").inner_text()
    assert f"{len(truth['found'])} of {len(truth['planted'])} hidden faults found" in told
    rows = page.locator("section[aria-labelledby=truth] tbody tr")
    assert rows.count() == len(truth["planted"]) + len(truth["false"])
    rows.locator("td a").first.click()
    page.wait_for_url(re.compile("#/findings/"))
    page.wait_for_selector("section[aria-labelledby=evidence]")


def test_the_chain_shows_what_flows(view):
    page = view.go("#/chain")
    view.until("/From sensor to cloud in [0-9]/.test(document.querySelector('h1').innerText)")
    rows = page.locator("section[aria-labelledby=ways] tbody tr").all_inner_texts()
    assert re.search(r"\d\s(ms|s)\b", rows[0])
    assert page.locator("article").count() == 6
    page.get_by_role("link", name="Three layers").click()
    page.wait_for_selector("h2 >> text=Packs and their data acquisition")
