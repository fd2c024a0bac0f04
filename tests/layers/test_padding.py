import numpy as np
import pytest

from tf_edgeconnect.layers import ReflectionPadding2D


def test_reflection_padding_equals_numpy():
    image = np.arange(2 * 5 * 4 * 3, dtype=np.float32).reshape(2, 5, 4, 3)
    expected = np.pad(image, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    layer = ReflectionPadding2D(3)
    assert np.array_equal(layer(image), expected)
    assert layer.compute_output_shape((2, None, 4, 3)) == (2, None, 10, 3)


def test_padding_below_one_is_refused():
    with pytest.raises(ValueError, match="`padding` must be 1 or more, got 0"):
        ReflectionPadding2D(0)
