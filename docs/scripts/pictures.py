"""Makes the project's pictures: `python -m docs.scripts.pictures --help`.

Without options: what the preset `small` fills, in the README, the guide and the editor.
With options: what commands of the guide left. Pages are seen by headless Chromium.
"""

import argparse
import contextlib
import io
import math
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page
from skimage import data

from tests.web.browser import open_page
from tests.web.story import Story
from tf_edgeconnect.cli.demo import repaired_photos
from tf_edgeconnect.figures import Row, save, sheet
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.web.editor import Editor
from tf_edgeconnect.web.serve import LocalServer

FOLDER = Path(__file__).parents[1] / "images"
GUIDE = FOLDER / "guide"
SEEN = 1180, 760
START_SECONDS, DRAW_SECONDS = 120, 20
TABS = {
    "scalars": "#scalars&tagFilter=average_precision|d_loss|hole_psnr|inpaint%2Fl1",
    "images": "#images",
}
FILM_WIDTH = 760
CUP, CUP_SIZE = 5, (600, 400)


def main() -> None:
    """Makes the pictures of whatever is given, or those of the preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", type=Path, help="overview that `masks` wrote")
    parser.add_argument("--report", type=Path, help="report.html that `evaluate` wrote")
    parser.add_argument("--run", type=Path, help="a run directory, for TensorBoard")
    given = parser.parse_args()
    if not any(vars(given).values()):
        repaired_photos().save(FOLDER / "first.webp", quality=90)
        inpainter = Inpainter.load("small")
        inpainter.description = "small"  # not a folder of this machine
        save(GUIDE / "coffee.png", fill(inpainter))
        edit(inpainter)
    if given.masks:
        picture = Image.open(given.masks).convert("L")
        picture.save(GUIDE / "holes-overview.png", optimize=True)
    with open_page(*SEEN) as page:
        if given.report:
            page.goto(given.report.resolve().as_uri())
            shoot(page, "report")
        if given.run:
            with tensorboard(given.run / "logs") as address:
                for name, tab in TABS.items():
                    page.goto(f"{address}?{name}{tab}")  # a new page, not a new anchor
                    shoot(page, f"tensorboard-{name}")


def fill(inpainter: Inpainter) -> Image.Image:
    """Fills the hole that docs/guide/data.md cuts into a cup."""
    photo = data.coffee()
    mask = np.zeros(photo.shape[:2], np.uint8)
    height, width = mask.shape
    mask[height // 3 : height // 2, width // 3 : width // 2] = 255
    filled, edges = inpainter(photo, mask)
    return sheet([Row(photo, mask, edges, filled)], tile=256)


def edit(inpainter: Inpainter) -> None:
    """Films the editor: a hole in a saucer's rim, filled twice.

    First along the predicted edges, then along a rim that is drawn.
    """
    frames: list[tuple[Image.Image, int]] = []
    app = Editor(inpainter).app()
    with LocalServer(app, "127.0.0.1") as server, open_page(*SEEN) as page:

        def film(milliseconds: int = 90) -> None:
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            height = round(picture.height * FILM_WIDTH / picture.width)
            small = picture.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS)
            frames.append((small, milliseconds))

        story = Story(page, server.url, film)
        film(900)
        story.sample(CUP)
        story.press("undo")
        story.choose("brush")
        story.set("brush-size", 52)
        story.draw(rim(-8, 32, 10), CUP_SIZE)
        film(500)
        story.press("find")
        film(1200)
        story.press("fill")
        film(1500)
        story.press("edit-again")
        story.press("clear-lines")
        story.choose("pencil")
        story.draw(rim(-14, 38, 14), CUP_SIZE)
        page.screenshot(path=FOLDER / "editor.png")
        film(900)
        story.press("fill")
        film(1200)
        for share in (0.9, 0.8, 0.7, 0.6, 0.7, 0.8, 0.9, 1.0):
            story.set("divider", share)
            film()
        film(2500)
    (first, *rest), times = zip(*frames, strict=True)
    path = FOLDER / "editor.webp"
    first.save(path, save_all=True, append_images=rest, duration=times, quality=70)


def rim(start: float, end: float, points: int) -> list[tuple[float, float]]:
    """Points on the saucer's rim between two angles, degrees, for `Story.draw`."""
    turns = np.radians(np.linspace(start, end, points))
    return [(0.463 + 0.336 * math.cos(t), 0.529 + 0.445 * math.sin(t)) for t in turns]


@contextlib.contextmanager
def tensorboard(logs: Path) -> Iterator[str]:
    """Runs TensorBoard and yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)]
    board = subprocess.Popen([*program, "--port", str(port), "--load_fast", "false"])
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(START_SECONDS):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address).close()
                break
            time.sleep(1)
        yield address
    finally:
        board.terminate()
        board.wait()


def shoot(page: Page, name: str) -> None:
    """Waits until a page is drawn and writes what is seen."""
    time.sleep(DRAW_SECONDS)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(192).save(GUIDE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
