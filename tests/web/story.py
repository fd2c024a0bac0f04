"""What a person does in the editor, done by a program with the mouse."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

# Selectors: the page's own policy forbids to evaluate conditions.
STARTED = "body[aria-busy=false]:has(#samples button)"
ENDED = "body[aria-busy=false]:has(#trouble[hidden])"
MOVED = """(slider, value) => {
    slider.value = value;
    for (const kind of ['input', 'change']) slider.dispatchEvent(new Event(kind));
}"""


class Story:
    """The editor in a page.

    Args:
        page: of a browser.
        address: of the editor.
        on_step: called after each step, for pictures.
    """

    def __init__(
        self, page: Page, address: str, on_step: Callable[[], object] = lambda: None
    ) -> None:
        self.page, self.on_step = page, on_step
        page.goto(address)
        page.wait_for_selector(STARTED)

    def give(self, what: str, path: Path) -> None:
        """Chooses a file: a photo, mask, edges (lines), or another photo (sketch)."""
        self.page.set_input_files(f"#{what}-file", [])  # it may be the same again
        self.page.set_input_files(f"#{what}-file", path)
        self.wait()

    def sample(self, number: int) -> None:
        """Takes one of the sample photos."""
        self.page.click(f"#samples button:nth-child({number})")
        self.wait()

    def choose(self, tool: str) -> None:
        """Takes a tool in hand."""
        self.page.click(f"[data-tool={tool}]")

    def set(self, slider: str, value: float) -> None:
        """Moves a slider."""
        self.page.locator(f"#{slider}").evaluate(MOVED, value)

    def draw(self, points: list[tuple[float, float]], photo: tuple[int, int]) -> None:
        """Draws along points of the fitted photo, as shares of its width and height."""
        box = self.page.locator("#canvas").bounding_box()
        width, height = photo
        scale = min(box["width"] * 0.96 / width, box["height"] * 0.96 / height, 8)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        mouse = self.page.mouse
        for step, (x, y) in enumerate(points):
            mouse.move(left + x * width * scale, top + y * height * scale)
            if step == 0:
                mouse.down()
            self.on_step()
        mouse.up()
        self.on_step()

    def press(self, name: str) -> None:
        """Presses a button and waits for what it does."""
        self.page.click(f"#{name}")
        self.wait()

    def keep(self, what: str) -> bytes:
        """Saves the photo, the mask or the edges (`lines`), as a PNG."""
        with self.page.expect_download() as download:
            self.page.click(f"#keep-{what}")
        return Path(download.value.path()).read_bytes()

    def wait(self) -> None:
        """Waits until the page has done what was asked of it."""
        self.page.wait_for_selector(ENDED)
        self.on_step()
