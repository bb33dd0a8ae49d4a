"""Signing in, in a real Chromium, to a cloud that listens beyond this machine."""

import shutil
import ssl
import subprocess
import sys

import pytest
import trustme

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def guarded(dashboard, small_store, tmp_path_factory):
    """A running cloud that shows its fleet only to Ana."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copytree(small_store, folder / "store")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "cloud.pem"))
    port = dashboard.free_port()
    config = folder / "cloud.toml"
    config.write_text(
        '[store]\npath = "store"\n[http]\nhost = "0.0.0.0"\nhosts = ["localhost"]\n'
        'tls_cert = "cloud.pem"\ntls_key = "cloud.pem"\n'
    )
    user = (sys.executable, "-m", "voltherd", "cloud", "user", "add", "Ana")
    subprocess.run(
        [*user, "--config", str(config)], input=PASSWORD, text=True, check=True, timeout=60
    )
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    running = dashboard.RunningCloud(
        "--config", str(config), port=port, url=f"https://localhost:{port}", trusted=trusted
    )
    try:
        yield running.start()
    finally:
        running.stop()


def test_nothing_is_shown_before_signing_in_and_everything_after(dashboard, chromium, guarded):
    with dashboard.Watched(chromium, guarded.url) as view:
        page = view.go()
        page.wait_for_selector("h1 >> text=Sign in")
        assert page.locator("main").inner_text().count("sim-") == 0
        assert view.axe()["violations"] == []

        page.get_by_label("Name").fill("Ana")
        page.get_by_label("Password").fill("not her password")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("main .error:not(:empty)")

        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("section[aria-labelledby=attention] li")
        view.until("document.querySelector('.state').innerText.includes('live')")

        page.locator("section[aria-labelledby=attention] .what a").first.click()
        page.get_by_role("button", name="Acknowledge").click()
        page.wait_for_selector("section[aria-labelledby=journal] li b >> text=Ana")
        assert page.get_by_label("Your name").count() == 0, "who signed in need not say who it is"

        page.get_by_role("button", name="Sign out").click()
        page.wait_for_selector("h1 >> text=Sign in")
        page.reload()
        page.wait_for_selector("h1 >> text=Sign in")
