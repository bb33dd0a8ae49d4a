"""What the dashboard's tests share: a running cloud on a store, and watched browser pages."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

import axe_core_python

AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
PATIENCE_SECOND = 90.0
SHOWN_SECOND = 20.0


def free_port():
    """A port that nobody listens on now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RunningCloud:
    """``voltherd cloud`` without a bus, in a process of its own; ``options`` name its store."""

    def __init__(self, *options, port=None, url=None, trusted=None):
        self.port = port or free_port()
        self.url = url or f"http://127.0.0.1:{self.port}"
        self._options = options
        self._trusted = trusted
        self._process = None

    def start(self):
        """Start it and wait until it knows all that is in the store, or wants a sign-in."""
        if self._process is not None:
            return self
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "voltherd", "cloud", *self._options),
                *("--no-bus", "--as-of-last", "--port", str(self.port)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + PATIENCE_SECOND
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"the cloud stopped: {self._process.stderr.read()}")
            with contextlib.suppress(urllib.error.URLError):
                if self._knows_its_store():
                    return self
            time.sleep(0.1)
        raise AssertionError("the cloud does not come to an end with its store")

    def _knows_its_store(self):
        try:
            rows = self.ask("vehicles?limit=1000")["items"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code == HTTPStatus.UNAUTHORIZED
        return rows and not any(row["catching_up"] for row in rows)

    def stop(self):
        """Stop it as Ctrl-C would."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)
        self._process.stderr.close()
        self._process = None

    def ask(self, path, body=None):
        """Ask the API; with a body, tell it."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20, context=self._trusted) as answer:
            return json.load(answer)


class Watched:
    """A browser page whose requests and complaints are written down."""

    def __init__(self, chromium, url, *, width=1440, dark=False):
        self.url = url
        self.context = chromium.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if dark else "light",
            ignore_https_errors=url.startswith("https:"),
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * SHOWN_SECOND)
        self.requests = []
        self.complaints = []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._said)

    def _said(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def go(self, fragment="#/", settled="h1"):
        """Show a page of the dashboard and wait for its heading."""
        self.page.goto(f"{self.url}/{fragment}")
        self.page.wait_for_selector(settled)
        self.until("!document.querySelector('main').innerText.includes('Asking ')")
        return self.page

    def until(self, expression):
        """Wait for something to be so; asked from outside, as the page's policy forbids eval."""
        deadline = time.monotonic() + SHOWN_SECOND
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never so: {expression}"
            self.page.wait_for_timeout(30)

    def axe(self):
        """Violations that axe finds, and how many of its rules passed."""
        self.page.evaluate(AXE + ";0")
        return self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(result => ({"
            "passes: result.passes.length, violations: result.violations.map(found => [found.id, "
            "found.help, found.nodes.map(node => node.html)])}))"
        )
