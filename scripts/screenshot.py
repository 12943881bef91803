"""A picture of a page of `wm web`: python scripts/screenshot.py runs/doom/web picture.webp."""

from __future__ import annotations

import argparse
import io
import shutil
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from worldmodels.web.server import open_server

STEPS = 60  # of the dream before the picture is taken
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    """Serve the folder, let the first agent dream for a while, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what wm web has written")
    parser.add_argument("picture", type=Path, help="a .webp or .png file")
    parser.add_argument("--dark", action="store_true", help="in the dark colours")
    options = parser.parse_args()
    server = open_server(options.folder, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        scheme = "dark" if options.dark else "light"
        page = browser.new_page(viewport=SIZE, color_scheme=scheme)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_function(f"+document.getElementById('steps').textContent >= {STEPS}")
        shot = page.screenshot()
        browser.close()
    server.shutdown()
    Image.open(io.BytesIO(shot)).convert("RGB").save(options.picture, quality=85, method=6)
    print(f"{options.picture}: {options.picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
