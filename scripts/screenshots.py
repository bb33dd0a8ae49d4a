"""Take the documents' pictures of the dashboard from a running service, such as the demo.

    voltherd demo --port 8600 &
    python scripts/screenshots.py http://127.0.0.1:8600 docs/img

Shows every page at 1440 and at 390 pixels, the fleet in the dark, too.  Needs Chromium and the test
group's packages.  Says so where a picture comes out too large for the documents.
"""

import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES: Final = ((1440, 900), (390, 844))
SETTLED_MILLISECOND: Final = 4000
BYTES_MAX: Final = 150_000


def main(base: str, folder: Path) -> int:
    """Take all pictures; gives 1 where one came out too large to keep."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    pages = fragments(base)
    browser_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    if browser_path is None:
        print("no Chromium found: apt-get install chromium", file=sys.stderr)
        return 2
    looks = [(name, size, False) for name in pages for size in SIZES]
    looks += [("fleet", SIZES[0], True), ("vehicle", SIZES[0], True)]
    large = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (width, height), dark in looks:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
            )
            page.goto(f"{base.rstrip('/')}/{pages[name]}")
            page.wait_for_selector("h1")
            page.wait_for_timeout(SETTLED_MILLISECOND)
            path = folder / f"{name}-{width}{'-dark' if dark else ''}.png"
            picture = page.screenshot(path=path)
            page.close()
            print(f"{path}  {len(picture) / 1000:.0f} kB")
            large += len(picture) > BYTES_MAX
        browser.close()
    return int(large > 0)


def fragments(base: str) -> dict[str, str]:
    """Name the pages' addresses; vehicle and finding are the ones that need attention most."""
    with urllib.request.urlopen(f"{base.rstrip('/')}/api/v1/vehicles?limit=1") as answer:  # noqa: S310
        items: list[dict[str, Any]] = json.load(answer)["items"]
    first = items[0] if items else {"vehicle_id": "none", "finding_id": None}
    return {
        "fleet": "#/",
        "vehicle": f"#/vehicles/{first['vehicle_id']}",
        "finding": f"#/findings/{first['finding_id']}",
        "chain": "#/chain",
        "kpis": "#/kpis",
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
