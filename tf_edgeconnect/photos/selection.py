"""Finds the outline of a thing in a photo that a person has roughly marked.

GrabCut runs on a reduced copy of the surroundings; a guided filter of the full photo
then moves the outline to the photo's own edges.

Reference: Rother, Kolmogorov, Blake, "GrabCut: interactive foreground extraction using
    iterated graph cuts", SIGGRAPH 2004. He, Sun, "Fast guided filter",
    arXiv:1505.00996.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from tf_edgeconnect.photos.decoding import import_opencv
from tf_edgeconnect.photos.masks import grow_hole

Points = Sequence[tuple[float, float]]  # x, y in the photo's pixels

REDUCED_PIXELS = 2**16  # more take longer and find no better outlines
ROUNDS = 5
CONTEXT = 0.15  # of the marked area's longer side: what is certainly not the thing
WIDER = 3  # times a stroke that adds: beside it the thing may go on
LEAST_PART = 0.02  # of the largest part of a thing; smaller ones are noise
RADIUS, EPSILON = 4, 1e-4  # of the guided filter, in reduced pixels and squared colours
_TILE = 256


class Stroke(NamedTuple):
    """A stroke over what belongs to a thing, or over what does not.

    Attributes:
        adds: whether what it covers belongs to the thing.
        size: its thickness in pixels.
        points: where it runs.
    """

    adds: bool
    size: float
    points: Points


def select(
    image: np.ndarray, around: Points, strokes: Sequence[Stroke] = (), margin: int = 0
) -> np.ndarray:
    """Selects the thing inside a rectangle or a loop drawn around it.

    Args:
        image: uint8 `(H, W, 3)`, RGB.
        around: corners of the rectangle or loop.
        strokes: corrections; later ones count where they cross.
        margin: pixels to grow the result by.

    Returns:
        bool `(H, W)`, true = the thing.

    Raises:
        InputError: OpenCV cannot be imported.
    """
    cv2 = import_opencv("selecting")
    height, width = image.shape[:2]
    marked = [np.reshape(around, (-1, 2))]
    marked += [np.reshape(s.points, (-1, 2)) for s in strokes if s.adds]
    low, high = np.concatenate(marked).min(0), np.concatenate(marked).max(0)
    reach = max((WIDER / 2 * s.size for s in strokes if s.adds), default=0)
    beyond = max(CONTEXT * (high - low).max(), margin, reach + margin) + 1
    left, top = np.clip(low - beyond, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(high + beyond, [left + 1, top + 1], [width, height])
    box = slice(top, int(bottom)), slice(left, int(right))
    crop = image[box]
    factor = max(1, (crop[..., 0].size / REDUCED_PIXELS) ** 0.5)
    size = [max(round(side / factor), 1) for side in crop.shape[1::-1]]
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    scale = np.array(size) / crop.shape[1::-1]
    seeds = _seeds(cv2, size, (left, top), scale, around, strokes)
    found = _cut(cv2, small, seeds)
    if factor > 1:
        found = _refined(cv2, crop, small, found)
    mask = np.zeros((height, width), bool)
    margins = np.ones((2 * margin + 1,) * 2, np.uint8)
    mask[box] = cv2.dilate(found.view(np.uint8), margins)
    return mask


def _seeds(
    cv2: ModuleType,
    size: Sequence[int],
    origin: tuple[int, int],
    scale: np.ndarray,
    around: Points,
    strokes: Sequence[Stroke],
) -> np.ndarray:
    """Marks what is, may be and is not the thing, as GrabCut takes it."""
    seeds = np.full(size[::-1], cv2.GC_BGD, np.uint8)

    def reduced(points: Points) -> np.ndarray:
        places = (np.reshape(points, (-1, 2)) - origin) * scale
        far = 2 * max(size)  # OpenCV counts in 32 bits
        return np.round(np.clip(places, -far, far)).astype(np.int32)

    def draw(stroke: Stroke, seed: int, wider: int = 1) -> None:
        thickness = np.clip(wider * stroke.size * scale[0], 1, max(size)).round()
        points = reduced(stroke.points)
        cv2.polylines(seeds, [points], False, seed, int(thickness))

    cv2.fillPoly(seeds, [reduced(around)], cv2.GC_PR_FGD)
    for stroke in strokes:
        if stroke.adds:  # the thing may go on beside it
            draw(stroke, cv2.GC_PR_FGD, wider=WIDER)
    if not (seeds == cv2.GC_BGD).any():
        seeds[[0, -1]] = seeds[:, [0, -1]] = cv2.GC_BGD
    for stroke in strokes:
        draw(stroke, cv2.GC_FGD if stroke.adds else cv2.GC_BGD)
    return seeds


def _cut(cv2: ModuleType, image: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Runs GrabCut; fills what it encloses and drops specks, strokes excepted."""
    if len(np.unique(seeds == cv2.GC_BGD)) == 1:
        return seeds != cv2.GC_BGD
    labels = seeds.copy()
    cv2.setRNGSeed(0)  # k-means starts at random
    smooth = cv2.GaussianBlur(image, (0, 0), 1)  # steadier where colours vary
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(smooth, labels, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    thing = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    for inside, seed, least in ((True, cv2.GC_FGD, LEAST_PART), (False, 0, np.inf)):
        parts, count = ndimage.label(thing == inside)
        areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
        kept = areas >= least * areas.max(initial=0)
        kept[np.unique(parts[(seeds == seed) & (parts > 0)]) - 1] = True
        thing[np.append(False, ~kept)[parts]] ^= True
    return thing


def _refined(
    cv2: ModuleType, image: np.ndarray, small: np.ndarray, thing: np.ndarray
) -> np.ndarray:
    """Brings an outline found on a reduced image to the full one's edges."""

    def mean(planes: np.ndarray) -> np.ndarray:
        return cv2.blur(planes, (2 * RADIUS + 1,) * 2, borderType=cv2.BORDER_REFLECT)

    # `thing` as a linear function of the colour, a window at a time.
    colour, wanted = small.astype(np.float32) / 255, thing.astype(np.float32)
    means, share = mean(colour), mean(wanted)
    products = [mean(colour * colour[..., c : c + 1]) for c in range(3)]
    variance = np.stack(products, -1) - means[..., None] * means[..., None, :]
    variance += EPSILON * np.eye(3, dtype=np.float32)
    covariance = mean(colour * wanted[..., None]) - means * share[..., None]
    slope = np.linalg.solve(variance, covariance[..., None])[..., 0]
    offset = share - (slope * means).sum(-1)
    line = mean(np.dstack([slope / 255, offset]))

    # It can differ from `thing` only near the outline.
    reach = 2 * RADIUS + 1
    near = grow_hole(thing, reach) & grow_hole(~thing, reach)
    size = image.shape[1::-1]
    near = cv2.resize(near.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    found = cv2.resize(thing.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    found = found > 0
    kx, ky = small.shape[1] / size[0], small.shape[0] / size[1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for top in range(0, size[1], _TILE):
        for left in range(0, size[0], _TILE):
            tile = slice(top, top + _TILE), slice(left, left + _TILE)
            if not near[tile].any():
                continue
            part = image[tile]
            x, y = kx * (left + 0.5) - 0.5, ky * (top + 0.5) - 0.5
            there = np.array([[kx, 0, x], [0, ky, y]])
            here = cv2.warpAffine(
                line, there, part.shape[1::-1], None, flags, cv2.BORDER_REPLICATE
            )
            value = np.einsum("ijc,ijc->ij", here[..., :3], part) + here[..., 3]
            found[tile] = np.where(near[tile], value > 0.5, found[tile])
    return found
