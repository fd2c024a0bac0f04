"""How visible the borders of tiles are in what `--large tile` paints.

    python benchmarks/tile_seam.py --model RUN [--picture OUT.png]

Statistics of instance normalization differ from tile to tile, so two tiles paint the
same hole differently. The hole is a grid of bars that cross all borders of tiles. Two
tables: how far neighbours differ where both count, as they are and after a mean of
32 x 32 pixels (a shift of colour is what makes a seam); and the mean step from a pixel
to the next in the hole, where one tile takes over from another and elsewhere, for
`full` (at the places where `tile` has its seams), `tile`, and the same tiles cut hard.
Grey levels of 255.
"""

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image
from skimage import data

from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.regions import Scene, paint, painting, plan_areas
from tf_edgeconnect.inference.regions.boxes import RUN_SIDE, tiles

HEIGHT, WIDTH, BAR, SPACING = 700, 1300, 96, 256
SMOOTH = 32


def photo() -> np.ndarray:
    """A photo enlarged to (HEIGHT, WIDTH, 3), uint8."""
    return np.asarray(Image.fromarray(data.coffee()).resize((WIDTH, HEIGHT)))


def bars() -> np.ndarray:
    """Bool (HEIGHT, WIDTH): bars across, BAR thick, and as many down."""
    hole = np.zeros((HEIGHT, WIDTH), bool)
    for start in range(SPACING // 2, HEIGHT, SPACING):
        hole[start : start + BAR] = True
    for start in range(SPACING // 2, WIDTH, SPACING):
        hole[:, start : start + BAR] = True
    return hole


def cut_hard(length: int, side: int) -> list[tuple[int, np.ndarray]]:
    """As `tiles`, but each place takes one tile alone."""
    soft = tiles(length, side)
    best = np.argmax([weights for _, weights in soft], axis=0)
    return [(start, np.float32(best == i)) for i, (start, _) in enumerate(soft)]


def steps(image: np.ndarray, hole: np.ndarray, layout: Callable) -> tuple[float, float]:
    """Mean step along rows inside the hole: where a tile takes over, and elsewhere."""
    step = np.abs(np.diff(image.astype(int), axis=1)).mean(-1)
    inside = hole[:, 1:] & hole[:, :-1]
    changes = [np.diff(weights) != 0 for _, weights in layout(WIDTH, RUN_SIDE)]
    seam = np.broadcast_to(np.any(changes, axis=0), step.shape)
    return step[inside & seam].mean(), step[inside & ~seam].mean()


def smoothed(difference: np.ndarray) -> np.ndarray:
    """Means of SMOOTH x SMOOTH squares."""
    height, width = (length // SMOOTH * SMOOTH for length in difference.shape[:2])
    shape = height // SMOOTH, SMOOTH, width // SMOOTH, SMOOTH, 3
    return difference[:height, :width].reshape(shape).mean((1, 3))


def disagreement(hole: np.ndarray, painted: list[np.ndarray]) -> tuple[float, float]:
    """Mean difference of tiles side by side where both count: raw, and smoothed."""
    columns = tiles(WIDTH, RUN_SIDE)
    raw, smooth = [], []
    for row, (top, _) in enumerate(tiles(HEIGHT, RUN_SIDE)):
        for index in range(len(columns) - 1):
            (left, fades), (right, _) = columns[index], columns[index + 1]
            both = np.flatnonzero((fades > 0) & (columns[index + 1][1] > 0))
            one, other = painted[row * len(columns) + index :][:2]
            gap = other[0, :, both - right].astype(float) - one[0, :, both - left]
            gap = gap.swapaxes(0, 1)
            inside = hole[top : top + RUN_SIDE, both]
            raw.append(np.abs(gap)[inside].mean())
            full = smoothed(np.repeat(inside[..., None], 3, -1).astype(float)) == 1
            smooth.append(np.abs(smoothed(gap))[full].mean())
    return float(np.mean(raw)), float(np.mean(smooth))


def main() -> None:
    """Prints both tables and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="run directory")
    parser.add_argument("--picture", help="full above, tile, tiles cut hard below")
    options = parser.parse_args()
    inpainter = Inpainter.load(options.model)
    image, hole = photo(), bars()
    painted: list[np.ndarray] = []

    def run(images, holes, drawings):
        painted.append(inpainter(images, holes, large="full").image)
        return painted[-1]

    results = {"full": (inpainter(image, hole, large="full").image, tiles)}
    tiled, cut = image.copy(), image.copy()
    scene, areas = Scene(image, hole), plan_areas(hole, "tile")
    paint(tiled, scene, areas, run)
    again = iter(painted)
    painting.tiles = cut_hard
    paint(cut, scene, areas, lambda *_: next(again))
    results |= {"tile": (tiled, tiles), "cut hard": (cut, cut_hard)}
    print("| neighbouring tiles differ by | after a mean of 32 x 32 |")
    print("|---|---|")
    print("| {:.2f} | {:.2f} |\n".format(*disagreement(hole, painted)))
    print("| painted | step where tiles fade | step elsewhere | ratio |")
    print("|---|---|---|---|")
    for name, (result, layout) in results.items():
        at, elsewhere = steps(result, hole, layout)
        print(f"| {name} | {at:.3f} | {elsewhere:.3f} | {at / elsewhere:.3f} |")
    if options.picture:
        Image.fromarray(
            np.concatenate([result for result, _ in results.values()])
        ).save(options.picture)


if __name__ == "__main__":
    main()
