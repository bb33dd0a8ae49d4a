"""A real browser, and pages made of the report room's sample values."""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cloud.depot_now_story import depot_now_story
from tests.unit.cloud.station_story import tell_story
from voltherd.adapters.files.depot_now import write_now
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.cloud.depot_example import EXAMPLE

HERE = Path(__file__).resolve().parent


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample():
    """The module of sample values."""
    return load("voltherd_web_sample", HERE.parent / "unit" / "report" / "sample.py")


@pytest.fixture(scope="session")
def browser_module():
    """The module that finds and drives a Chromium, where there is one."""
    module = load("voltherd_web_browser", HERE / "browser.py")
    if module.find_browser() is None:
        reason = "no Chromium found: apt-get install chromium"
        if os.environ.get("VOLTHERD_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return module


@pytest.fixture(scope="session")
def browser(browser_module):
    """A running headless Chromium."""
    with browser_module.Browser() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(browser_module):
    """The same Chromium, driven by Playwright: for pages that talk to a service."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=browser_module.find_browser(),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def dashboard():
    """The module of what the dashboard's tests share."""
    return load("voltherd_web_dashboard", HERE / "dashboard.py")


@pytest.fixture(scope="session")
def small_store(tmp_path_factory):
    """Three vehicles, eight days, one weak cell and one stuck sensor, as a store."""
    folder = tmp_path_factory.mktemp("fleet") / "store"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "voltherd", "simulate", "fleet", "--out", str(folder)),
            *("--vehicles", "3", "--days", "8", "--period", "60", "--seed", "5"),
            "--faults",
            "weak_cell:25%@vehicle=2,cell=7,day=2,sensor_stuck@vehicle=3,cell=20,day=3",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def cloud(dashboard, small_store, tmp_path_factory):
    """A running cloud on a copy of that store, a depot and stations; what is done there stays."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copytree(small_store, folder / "store")
    (folder / "site.yaml").write_text(EXAMPLE)
    config = folder / "cloud.toml"
    now = time.time()
    tell_story(CallBook(folder / "stations.sqlite"), now, evening=now - 5 * 3600.0)
    write_now(folder, depot_now_story(now))
    depot = 'site = "site.yaml"\nstations = "stations.sqlite"\n'
    config.write_text(f'[store]\npath = "store"\n[depot]\n{depot}')
    running = dashboard.RunningCloud("--config", str(config))
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def pages(sample, tmp_path_factory):
    """The rendered pages by name."""
    from voltherd.report.html import render_html

    folder = tmp_path_factory.mktemp("pages")
    reports = {
        "triage": sample.triage_report(),
        "quiet": sample.quiet_report(),
        "empty": sample.empty_report(),
        "large": sample.large_report(),
    }
    written = {}
    for name, report in reports.items():
        written[name] = folder / f"{name}.html"
        written[name].write_text(render_html(report), encoding="utf-8")
    return written
