"""Makes the README's pictures of the editor: `python -m tests.web.make_pictures`.

A real browser and a trained model: a picture of the page, and an animation of an edit.
Works on the sample photo of a cup: a hole in the rim of its saucer, filled along the
edges that the model predicts, then along a rim that is drawn.
"""

import argparse
import io
import math
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.web.browser import open_page
from tests.web.story import Story
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.web.editor import Editor
from tf_edgeconnect.web.serve import LocalServer

SEEN = 1180, 760
FILM_WIDTH = 760
CUP, CUP_SIZE = 5, (600, 400)


class Film:
    """An animation of what is seen.

    Args:
        page: a browser's page.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def shoot(self, milliseconds: int = 90) -> None:
        """Adds a frame that is shown for a time."""
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        height = round(picture.height * FILM_WIDTH / picture.width)
        picture = picture.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS)
        self._frames.append(picture)
        self._milliseconds.append(milliseconds)

    def save(self, path: Path) -> None:
        """Writes the animation as WebP."""
        first, *rest = self._frames
        times = self._milliseconds
        first.save(path, save_all=True, append_images=rest, duration=times, quality=70)


def rim(start: float, end: float, points: int) -> list[tuple[float, float]]:
    """Points on the saucer's rim between two angles, degrees, for `Story.draw`."""
    steps = [start + (end - start) * i / (points - 1) for i in range(points)]
    turns = [math.radians(angle) for angle in steps]
    return [(0.463 + 0.336 * math.cos(t), 0.529 + 0.445 * math.sin(t)) for t in turns]


def main() -> None:
    """Makes both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default="runs/quickstart")
    parser.add_argument("-o", "--output", type=Path, default="docs/images")
    options = parser.parse_args()
    inpainter = Inpainter.load(options.model)
    inpainter.description = "a model of your own"
    with (
        LocalServer(Editor(inpainter).app(), "127.0.0.1") as server,
        open_page(*SEEN) as page,
    ):
        film = Film(page)
        story = Story(page, server.url, film.shoot)
        edit(story, film, options.output / "editor.png")
        film.save(options.output / "editor.webp")


def edit(story: Story, film: Film, picture: Path) -> None:
    """The edit, from the sample photos to the second filling."""
    film.shoot(900)
    story.sample(CUP)
    story.press("undo")
    story.choose("brush")
    story.set("brush-size", 52)
    story.draw(rim(-8, 32, 10), CUP_SIZE)
    film.shoot(500)
    story.press("find")
    film.shoot(1200)
    story.press("fill")
    film.shoot(1500)
    story.press("edit-again")
    story.press("clear-lines")
    story.choose("pencil")
    story.draw(rim(-14, 38, 14), CUP_SIZE)
    picture.parent.mkdir(parents=True, exist_ok=True)
    story.page.screenshot(path=picture)
    film.shoot(900)
    story.press("fill")
    film.shoot(1200)
    for share in (0.9, 0.8, 0.7, 0.6, 0.7, 0.8, 0.9, 1.0):
        story.set("divider", share)
        film.shoot()
    film.shoot(2500)


if __name__ == "__main__":
    main()
