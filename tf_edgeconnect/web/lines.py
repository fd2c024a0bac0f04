"""Thin lines in the soft edges that a generator predicts, for the page to show.

The soft edges are what paints: lines thinned from them paint worse than none.
"""

import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

THRESHOLD = 0.25  # of white; F1 of the edges of `small` is highest at 0.245
REACH = 127  # pixels beyond which an edge belongs to no line


def with_lines(edges: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Finds the lines in the hole and which of them each pixel of the hole belongs to.

    Args:
        edges: uint8 `(H, W)`, completed.
        mask: bool `(H, W)`, true = hole, somewhere.

    Returns:
        uint8 `(H, W, 3)`: the edges; then the columns and rows to the nearest pixel of
        a line, each + 128 (both 128: it is one), 0 where none is within `REACH`.
    """
    planes = np.zeros((*edges.shape, 3), np.uint8)
    planes[..., 0] = edges
    (box,) = ndimage.find_objects(mask.astype(np.int8))
    lines = skeletonize(mask[box] & (edges[box] > 255 * THRESHOLD))
    if lines.any():
        rows, columns = ndimage.distance_transform_edt(
            ~lines, return_distances=False, return_indices=True
        )
        height, width = lines.shape
        rows -= np.arange(height, dtype=rows.dtype)[:, None]
        columns -= np.arange(width, dtype=rows.dtype)
        ways = np.stack([columns, rows], -1)
        belongs = mask[box] & (np.abs(ways).max(-1) <= REACH)
        planes[box][belongs, 1:] = ways[belongs] + 128
    return planes
