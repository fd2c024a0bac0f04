"""Makes the guide's pictures: `python -m docs.scripts.screenshots --help`.

Shows what the commands of the guide left: a fill, an overview of masks, a report, and
a run in TensorBoard, seen by a headless Chromium. Writes docs/images/guide/.
"""

import argparse
import contextlib
import io
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

from tests.web.browser import open_page
from tf_edgeconnect.figures import Row, save, sheet

FOLDER = Path(__file__).parents[1] / "images" / "guide"
SEEN = 1180, 760
START_SECONDS, DRAW_SECONDS = 120, 20
TABS = {
    "scalars": "#scalars&tagFilter=average_precision|d_loss|hole_psnr|inpaint%2Fl1",
    "images": "#images",
}


def main() -> None:
    """Makes the pictures of whatever is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fill", type=Path, help="folder of photos/, masks/, NAME.png")
    parser.add_argument("--name", default="coffee", help="of the photo in it")
    parser.add_argument("--masks", type=Path, help="overview that `masks` wrote")
    parser.add_argument("--report", type=Path, help="report.html that `evaluate` wrote")
    parser.add_argument("--run", type=Path, help="a run directory, for TensorBoard")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if given.fill:
        save(FOLDER / f"{given.name}.png", fill(given.fill, given.name))
    if given.masks:
        picture = Image.open(given.masks).convert("L")
        picture.save(FOLDER / "holes-overview.png", optimize=True)
    with open_page(*SEEN) as page:
        if given.report:
            page.goto(given.report.resolve().as_uri())
            shoot(page, "report")
        if given.run:
            with tensorboard(given.run / "logs") as address:
                for name, tab in TABS.items():
                    page.goto(f"{address}?{name}{tab}")  # a new page, not a new anchor
                    shoot(page, f"tensorboard-{name}")


def fill(folder: Path, name: str) -> Image.Image:
    """Lays photo, hole, lines and filled photo side by side."""
    paths = ("photos/{}.png", "masks/{}.png", "{}_edges.png", "{}.png")
    row = Row(*(np.asarray(Image.open(folder / path.format(name))) for path in paths))
    return sheet([row], tile=256)


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
    picture.quantize(192).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
