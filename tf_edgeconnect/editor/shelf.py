"""`Shelf`: the photos that pages work on, each under a name that cannot be guessed."""

import secrets
import threading
from collections import OrderedDict

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.reading import Photo

MAX_PIXELS = 50_000_000  # a browser holds three layers of four bytes each beside it


class Shelf:
    """Keeps photos while memory lasts; safe to use from several threads.

    Args:
        max_bytes: of all decoded photos together; the one used longest ago goes first,
            the newest always stays.
    """

    def __init__(self, max_bytes: int = 2**30) -> None:
        self._max_bytes = max_bytes
        self._photos: OrderedDict[str, Photo] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, photo: Photo) -> str:
        """Takes in a photo.

        Returns:
            Its name, known to nobody else: people's pictures do not mix.

        Raises:
            InputError: the photo is too large for a page.
        """
        height, width = photo.size
        if height * width > MAX_PIXELS:
            raise InputError(
                f"the photo is {width} x {height}: the editor takes up to "
                f"{MAX_PIXELS // 10**6} megapixels; `tf-edgeconnect inpaint` takes 100"
            )
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._photos[name] = photo
            while len(self._photos) > 1 and self._bytes() > self._max_bytes:
                self._photos.popitem(last=False)
        return name

    def get(self, name: str) -> Photo | None:
        """Gives a photo; None where the name is unknown, or its photo had to go."""
        with self._lock:
            if name in self._photos:
                self._photos.move_to_end(name)
            return self._photos.get(name)

    def _bytes(self) -> int:
        return sum(photo.pixels.nbytes for photo in self._photos.values())
