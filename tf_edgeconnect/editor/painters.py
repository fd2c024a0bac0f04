"""What finds lines and fills holes for the editor: networks here, or on a server.

Photos enter as uint8 `(H, W, 3)`, holes as bool `(H, W)`, lines as uint8 `(H, W)`,
white = line.
"""

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.regions import Scene, choose, paint, plan_areas

if TYPE_CHECKING:
    from tf_edgeconnect.client import Client
    from tf_edgeconnect.inference import Inpainter

SIGMAS = tuple(step / 2 for step in range(2, 11))  # 1 to 5 pixels
DEFAULT_SIGMA = 2.0


class Painter(Protocol):
    """Finds lines and fills holes.

    Attributes:
        description: which networks these are.
        sigma: of Canny, in pixels, unless a person chooses another.
        sigma_is_fixed: why no other can be chosen; None where it can.
    """

    description: str
    sigma: float
    sigma_is_fixed: str | None

    def lines(self, image: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
        """Known lines outside the hole, imagined ones inside."""

    def fill(
        self, image: np.ndarray, hole: np.ndarray, drawing: np.ndarray, sigma: float
    ) -> np.ndarray:
        """Fills the hole along a drawing; known pixels are bit-identical."""

    def sketch(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """The lines of a whole photo."""


class LocalPainter:
    """Networks in this process, for one picture at a time; see `Painter`.

    Args:
        inpainter: the networks.
    """

    def __init__(self, inpainter: "Inpainter") -> None:
        self.description = inpainter.description
        self.sigma = inpainter.sigma or DEFAULT_SIGMA  # 0: drawn at random in training
        self.sigma_is_fixed: str | None = None
        if self.sigma < 0:
            self.sigma_is_fixed = "this model was trained without known lines"
        elif not hasattr(inpainter, "edge_generator"):
            self.sigma_is_fixed = "an exported model has its own inside"
        self._first = inpainter
        self._inpainters = {self.sigma: inpainter}
        self._lock = threading.Lock()

    def lines(self, image: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
        """See `Painter`."""
        with self._lock:
            return self._with(sigma).predict_edges(image, hole)

    def fill(
        self, image: np.ndarray, hole: np.ndarray, drawing: np.ndarray, sigma: float
    ) -> np.ndarray:
        """See `Painter`; of a large photo, only what surrounds the hole is run."""
        large = choose(hole.shape, "auto")
        with self._lock:
            inpainter = self._with(sigma)
            if large == "full":
                return inpainter(image, hole, drawing).image

            def run(
                images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
            ) -> np.ndarray:
                return inpainter(images, holes, drawings, large="full").image

            # As `Inpainter` does, which looks for the edges of the whole photo, too.
            filled = image.copy()
            scene = Scene(image, hole, drawing)
            paint(filled, scene, plan_areas(hole, large), run)
            return filled

    def sketch(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Painter`."""
        with self._lock:
            return self._with(sigma).photo_edges(image)

    def warm_up(self) -> None:
        """Lets TensorFlow trace the graphs before a person waits for it."""
        image = np.zeros((16, 16, 3), np.uint8)
        hole = np.eye(16, dtype=bool)
        self.fill(image, hole, self.lines(image, hole, self.sigma), self.sigma)

    def _with(self, sigma: float) -> "Inpainter":
        """The same networks behind another Canny."""
        if self.sigma_is_fixed:
            return self._first
        if sigma not in self._inpainters:
            first = self._first
            self._inpainters[sigma] = type(first)(
                first.edge_generator, first.inpaint_generator, sigma, first.description
            )
        return self._inpainters[sigma]


class RemotePainter:
    """Networks behind an endpoint of TF Serving; see `Painter`.

    Args:
        client: a connection to it.
        address: of the endpoint, for people.
    """

    def __init__(self, client: "Client", address: str) -> None:
        self.description = f"the endpoint {address}"
        self.sigma = DEFAULT_SIGMA
        self.sigma_is_fixed: str | None = "the endpoint's model has its own inside"
        self._client = client

    def lines(self, image: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
        """See `Painter`; of a photo sent in parts, only the lines inside the hole."""
        from tf_edgeconnect.client.photos import complete_lines

        return complete_lines(self._client, image, hole)

    def fill(
        self, image: np.ndarray, hole: np.ndarray, drawing: np.ndarray, sigma: float
    ) -> np.ndarray:
        """See `Painter`."""
        from tf_edgeconnect.client.photos import fill_photo

        return fill_photo(self._client, image, hole, drawing)

    def sketch(self, image: np.ndarray, sigma: float) -> np.ndarray:
        """See `Painter`."""
        no_hole = np.zeros((1, *image.shape[:2], 1), np.uint8)
        return self._client.predict_edges(image[None], no_hole)[0, ..., 0]


def check_sigma(text: str) -> float:
    """Reads a sigma that a page asks for.

    Raises:
        InputError: it is none of `SIGMAS`.
    """
    try:
        sigma = float(text)
    except ValueError:
        sigma = 0.0
    if sigma not in SIGMAS:
        raise InputError(f"sigma must be 1 to 5 in steps of 0.5, got {text!r}")
    return sigma
