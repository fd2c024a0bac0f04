"""Thin lines in soft edges, and which pixel belongs to which."""

import numpy as np

from tf_edgeconnect.web.lines import THRESHOLD, with_lines

MASK = np.zeros((40, 300), bool)
MASK[5:35, 10:290] = True


def soft_edges(*rows):
    """Soft bands along rows, from column 20 to 60."""
    edges = np.zeros(MASK.shape)
    beside = np.arange(MASK.shape[0])[:, None] - np.array(rows)
    band = np.exp(-((beside / 2) ** 2)).max(1)
    edges[:, 20:60] = band[:, None]
    return np.round(255 * edges).astype(np.uint8)


def test_a_band_becomes_a_line_one_pixel_wide_that_its_pixels_belong_to():
    edges = soft_edges(10, 26)
    planes = with_lines(edges, MASK)
    np.testing.assert_array_equal(planes[..., 0], edges)
    lines = (planes[..., 1:] == 128).all(-1)
    columns = lines[:, 25:55]
    assert (
        set(np.flatnonzero(columns.any(1))) == {10, 26} and (columns.sum(0) == 2).all()
    )
    ways = planes[..., 1:].astype(int) - 128
    np.testing.assert_array_equal(ways[8, 30:50], [[0, 2]] * 20)
    np.testing.assert_array_equal(ways[29, 30:50], [[0, -3]] * 20)


def test_outside_the_hole_and_far_from_lines_nothing_belongs_to_one():
    planes = with_lines(soft_edges(10), MASK)
    assert not planes[~MASK, 1:].any()
    assert not planes[:, 60 + 128 :, 1:].any() and planes[10, 60 + 100, 1]


def test_edges_too_faint_for_a_line_stay_soft():
    faint = np.full(MASK.shape, int(255 * THRESHOLD), np.uint8)
    planes = with_lines(faint, MASK)
    assert (planes[..., 0] == faint).all() and not planes[..., 1:].any()
