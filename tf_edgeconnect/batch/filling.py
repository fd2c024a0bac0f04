"""`GroupFiller`: fills a group of photos in one process, whatever runs it."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tf_edgeconnect.batch.items import Item
from tf_edgeconnect.batch.results import RESULTS, Format
from tf_edgeconnect.data.tfrecords import read_example
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.files import FillOptions, read_hole, reason_of
from tf_edgeconnect.inference.regions import Large
from tf_edgeconnect.photos.reading import Photo, decode_photo, read_photo


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How photos are filled.

    Attributes:
        model: see `Inpainter.load`.
        output: the folder of the results.
        form: how they are stored.
        invert_mask: see `FillOptions`, as the next two.
        dilate: pixels.
        large: how large photos run.
        batch_size: photos of one size that run together, 1 or more.
    """

    model: str
    output: Path
    form: Format = "png"
    invert_mask: bool = False
    dilate: int = 0
    large: Large = "auto"
    batch_size: int = 1

    def load(self) -> Inpainter:
        """Loads the networks."""
        return Inpainter.load(self.model)


@dataclasses.dataclass(frozen=True)
class Scene:
    """A photo that was read, and its hole, bool `(H, W)`."""

    item: Item
    photo: Photo
    hole: np.ndarray


class Outcome:
    """What became of a group.

    Attributes:
        done: photos written.
        skipped: photos whose results were there.
        pixels: of the photos written.
        failures: item -> reason.
    """

    def __init__(self) -> None:
        self.done = self.skipped = self.pixels = 0
        self.failures: dict[Item, str] = {}

    @contextmanager
    def taking_failures_of(self, *items: Item) -> Iterator[None]:
        """Notes an exception as the failure of items and goes on."""
        try:
            yield
        except Exception as error:  # one photo of millions never stops the rest
            self.failures.update(dict.fromkeys(items, reason_of(error)))


class GroupFiller:
    """Fills groups of photos.

    Args:
        options: how.
        inpainter: what `options.load` returned.
    """

    def __init__(self, options: Options, inpainter: Inpainter) -> None:
        self._batch_size = options.batch_size
        self._inpainter = inpainter
        self._large = options.large
        self._mask_options = FillOptions(
            invert_mask=options.invert_mask, dilate=options.dilate
        )
        self._results = RESULTS[options.form](options.output)

    def __call__(self, items: Iterable[Item]) -> Outcome:
        """Fills one group; a photo that fails does not stop the rest."""
        outcome, pixels = Outcome(), {}
        for scenes in self._batches(items, outcome):
            for scene, photo in self._filled(scenes, outcome):
                with outcome.taking_failures_of(scene.item):
                    self._results.write(scene.item.name, photo)
                    pixels[scene.item] = scene.hole.size
        with outcome.taking_failures_of(*pixels):
            self._results.end_group()
        written = [item for item in pixels if item not in outcome.failures]
        outcome.done = len(written)
        outcome.pixels = sum(pixels[item] for item in written)
        return outcome

    def _batches(
        self, items: Iterable[Item], outcome: Outcome
    ) -> Iterator[list[Scene]]:
        """Reads photos; yields those of one size, `batch_size` at a time."""
        waiting: dict[tuple[int, int], list[Scene]] = defaultdict(list)
        for item in items:
            if self._results.holds(item.name):
                outcome.skipped += 1
                continue
            with outcome.taking_failures_of(item):
                scene = self._read(item)
                waiting[scene.photo.size].append(scene)
                if len(waiting[scene.photo.size]) == self._batch_size:
                    yield waiting.pop(scene.photo.size)
        yield from waiting.values()

    def _read(self, item: Item) -> Scene:
        if item.problem:
            raise InputError(item.problem)
        if item.offset is None:
            photo = read_photo(item.photo)
        else:
            features = read_example(item.photo, item.offset).features.feature
            stored = features[item.feature].bytes_list.value
            photo = decode_photo(stored[0] if stored else b"", item.name)
        return Scene(item, photo, read_hole(item.mask, photo.size, self._mask_options))

    def _filled(
        self, scenes: list[Scene], outcome: Outcome
    ) -> list[tuple[Scene, Photo]]:
        """Fills photos of one size together, or one by one where that fails."""
        images = np.stack([scene.photo.rgb() for scene in scenes])
        holes = np.stack([scene.hole for scene in scenes])
        try:
            filled = self._inpainter.paint(images, holes, large=self._large)
        except Exception as error:
            if len(scenes) > 1:
                parts = [self._filled([scene], outcome) for scene in scenes]
                return [pair for part in parts for pair in part]
            outcome.failures[scenes[0].item] = reason_of(error)
            return []
        return [
            (scene, scene.photo.with_hole_filled(image, scene.hole))
            for scene, image in zip(scenes, filled, strict=True)
        ]
