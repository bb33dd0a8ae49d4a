"""A real browser, and pages made of the report room's sample values."""

import importlib.util
import os
from pathlib import Path

import pytest

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
def browser():
    """A running headless Chromium."""
    module = load("voltherd_web_browser", HERE / "browser.py")
    if module.find_browser() is None:
        reason = "no Chromium found: apt-get install chromium"
        if os.environ.get("VOLTHERD_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    with module.Browser() as running:
        yield running


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
