"""What a person does in the editor, done by a program with the mouse."""

from collections.abc import Callable
from pathlib import Path

from tests.editor.chromium import Page

IDLE = "document.body.getAttribute('aria-busy') === 'false'"
ENDED = f"{IDLE} && document.getElementById('trouble').hidden"


class Editor:
    """The editor in a page.

    Args:
        page: a browser's page.
        address: of the editor.
        look: called after each step, for pictures.
    """

    def __init__(
        self, page: Page, address: str, look: Callable[[], None] = lambda: None
    ) -> None:
        self.page, self.look = page, look
        page.open(address)
        page.wait(f"document.getElementById('samples').children.length && {IDLE}")

    def load(self, photo: Path) -> None:
        """Opens a photo of one's own."""
        self.give("photo", photo)

    def give(self, what: str, path: Path) -> None:
        """Chooses a file: photo, mask, lines, or a sketch's photo."""
        self.page.give(f"#{what}-file", path)
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
        self.page.run(
            f"(slider => {{ slider.value = {value};"
            "for (const kind of ['input', 'change'])"
            " slider.dispatchEvent(new Event(kind)); })"
            f"(document.getElementById('{slider}'))"
        )

    def draw(self, points: list[tuple[float, float]], photo: tuple[int, int]) -> None:
        """Draws along points of the fitted photo, as shares of its width and height."""
        box = self.page.box("#canvas")
        width, height = photo
        scale = min(box["width"] * 0.96 / width, box["height"] * 0.96 / height, 8)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        places = [
            (left + x * width * scale, top + y * height * scale) for x, y in points
        ]
        self.page.drag(places, self.look)
        self.look()

    def press(self, name: str) -> None:
        """Presses a button and waits for what it does."""
        self.page.click(f"#{name}")
        self.wait()

    def wait(self) -> None:
        """Waits until the page has done what was asked of it."""
        self.page.wait(ENDED)
        self.look()
