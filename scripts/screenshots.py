"""Take the documents' pictures of the dashboard from a running service, such as the demo.

    voltherd demo --port 8600 &
    python scripts/screenshots.py http://127.0.0.1:8600 docs/img

Shows every page at 1440 and at 390 pixels, the fleet in the dark, too.  Needs Chromium and the test
group's packages.  Pictures keep their commonest colours only, which makes them small.
"""

import base64
import json
import shutil
import struct
import sys
import urllib.request
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES: Final = ((1440, 900), (390, 844))
SETTLED_MILLISECOND: Final = 4000
BYTES_MAX: Final = 150_000
COLOURS: Final = 256
_DECODE: Final = """async (text) => {
  const coded = await fetch('data:image/png;base64,' + text);
  const image = await createImageBitmap(await coded.blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  let bytes = '';
  for (let at = 0; at < data.length; at += 32768)
    bytes += String.fromCharCode(...data.subarray(at, at + 32768));
  return [image.width, btoa(bytes)];
}"""


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
            picture = fewer_colours(*pixels(page, page.screenshot()))
            page.close()
            path.write_bytes(picture)
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


def pixels(page: Any, png: bytes) -> tuple[np.ndarray, int]:
    """Let the browser decode a picture: 0xRRGGBB of every pixel, and the width."""
    page.goto("about:blank")
    width, text = page.evaluate(_DECODE, base64.b64encode(png).decode())
    rgba = np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 4).astype(np.int64)
    return rgba[:, 0] << 16 | rgba[:, 1] << 8 | rgba[:, 2], width


def fewer_colours(colour: np.ndarray, width: int) -> bytes:
    """Write a PNG with a palette of the commonest colours, every other at the nearest of them.

    A vivid colour counts for more than one of the many greys of letters' edges.
    """
    found, which, counts = np.unique(colour, return_inverse=True, return_counts=True)
    vivid = np.ptp(parts(found), axis=1)
    kept = found[np.argsort(-counts * (1 + vivid), kind="stable")[:COLOURS]]
    nearest = np.array([((parts(kept) - one) ** 2).sum(axis=1).argmin() for one in parts(found)])
    lines = nearest[which].astype(np.uint8).reshape(-1, width)
    body = np.pad(lines, ((0, 0), (1, 0))).tobytes()  # each line begins with its filter: none
    head = struct.pack(">IIBBBBB", width, len(lines), 8, 3, 0, 0, 0)
    palette = parts(kept).astype(np.uint8).tobytes()
    chunks = (
        (b"IHDR", head),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(body, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def parts(colour: np.ndarray) -> np.ndarray:
    """Take colours apart: red, green, blue."""
    return np.stack([colour >> 16, colour >> 8 & 255, colour & 255], axis=1)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
