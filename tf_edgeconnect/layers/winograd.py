"""3x3 convolutions with a quarter of the multiplications, for CPUs.

Enters: maps `(B, H, W, C)` and kernels `(3, 3, C, K)` in float32. Leaves: what a
convolution gives, up to rounding (root mean square 5e-6 of the map's deviation; the
TF32 that GPUs use has some 3e-4). Tiles of 6x6 inputs give 4x4 outputs: both are
linear maps, applied as matrices to all tiles at once, and what is left between them is
36 products of matrices in place of the 144 that the kernel's taps would take.

Reference:
    Lavin and Gray 2015, arXiv:1509.09308, F(4x4, 3x3).
"""

import functools
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

_OUT = 4  # outputs a side of a tile
_IN = 6  # inputs a side: two more

_OF_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_OF_KERNEL = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
_OF_OUTPUT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
)
# Both directions of a tile in one matrix.
_INPUT, _KERNEL, _OUTPUT = (
    np.kron(m, m).astype(np.float32) for m in (_OF_INPUT, _OF_KERNEL, _OF_OUTPUT)
)
_FLIPPED_KERNEL = np.ascontiguousarray(_KERNEL[:, ::-1])

# Narrower or smaller maps gain nothing: too little work between the transforms.
_FEWEST_CHANNELS = 128
_FEWEST_PIXELS = 32 * 32


def use_winograd(network: keras.Model) -> int:
    """Lets the convolutions of a network that gain from it take this way.

    Those are float32 3x3 convolutions without stride of 128 channels or more, at maps
    of 32x32 pixels or more; `SpectralConv2D` is among them. Weights, saving and
    everything else stay as they are.

    Args:
        network: built; changed in place.

    Returns:
        How many convolutions may now take it.
    """
    found = [layer for layer in _convolutions(network) if _suits(layer)]
    for layer in found:
        direct = type(layer).convolution_op.__get__(layer)
        layer.convolution_op = functools.partial(_convolve, layer, direct)
    return len(found)


def _convolutions(network: keras.Model) -> Iterator[keras.layers.Conv2D]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _convolutions(layer)
        elif isinstance(layer, keras.layers.Conv2D):
            yield layer


def _suits(layer):
    return (
        layer.kernel_size == (3, 3)
        and layer.strides == (1, 1)
        and layer.groups == 1
        and layer.dilation_rate[0] == layer.dilation_rate[1]
        and layer.data_format == "channels_last"
        and layer.compute_dtype == "float32"
        and min(layer.kernel.shape[2:]) >= _FEWEST_CHANNELS
    )


def _convolve(layer, direct, inputs, kernel):
    height, width = inputs.shape[1:3]
    if height is None or width is None or height * width < _FEWEST_PIXELS:
        return direct(inputs, kernel)
    dilation = layer.dilation_rate[0]
    around = dilation if layer.padding == "same" else 0
    return winograd_convolution(inputs, kernel, dilation, around)


def winograd_convolution(inputs, kernel, dilation: int = 1, around: int = 0):
    """Convolves with 3x3 kernels, without stride.

    Args:
        inputs: `(B, H, W, C)`, float32; H and W known.
        kernel: `(3, 3, C, K)`, float32.
        dilation: pixels between two taps.
        around: zeros added on each side, 0 or more.

    Returns:
        `(B, H + 2 * around - 2 * dilation, W + ..., K)`.
    """

    @ops.custom_gradient
    def convolve(inputs, taps):
        def gradient(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            # Back to the inputs: the flipped kernels, channels exchanged.
            flipped = _transform(_FLIPPED_KERNEL, taps)
            flipped = ops.transpose(flipped, (0, 2, 1))
            of_inputs = _correlate(upstream, flipped, dilation, 2 * dilation - around)
            return of_inputs, _taps_gradient(inputs, upstream, dilation, around)

        transformed = _transform(_KERNEL, taps)
        return _correlate(inputs, transformed, dilation, around), gradient

    # The function above may see no variable, only tensors.
    return convolve(inputs, ops.reshape(kernel, (9, *kernel.shape[2:])))


def _correlate(inputs, transformed, dilation, around):
    """Convolves with transformed kernels `(36, C, K)`."""
    batch = ops.shape(inputs)[0]
    height, width = _outputs(inputs.shape[1:3], dilation, around)
    tiles = _input_tiles(inputs, (height, width), dilation, around)
    products = ops.matmul(_transform(_INPUT, tiles), transformed)
    pixels = _transform(_OUTPUT, products)
    # (16, B * tiles, K) -> (B, H, W, K)
    channels = pixels.shape[-1]
    pixel, tile = _untiled(height, width, dilation)
    photo = ops.arange(batch, dtype="int32")[:, None]
    count = tile.max() + 1
    places = (pixel * batch + photo) * count + tile
    pixels = ops.take(ops.reshape(pixels, (-1, channels)), places, axis=0)
    return ops.reshape(pixels, (batch, height, width, channels))


def _taps_gradient(inputs, upstream, dilation, around):
    size = upstream.shape[1:3]
    tiles = _transform(_INPUT, _input_tiles(inputs, size, dilation, around))
    rounded = _rounded(size, dilation)
    missing = [(0, r - s) for r, s in zip(rounded, size, strict=True)]
    if rounded != size:
        upstream = ops.pad(upstream, ((0, 0), *missing, (0, 0)))
    products = _transform(_OUTPUT.T, _tiled(upstream, rounded, dilation, _OUT))
    products = ops.matmul(ops.transpose(tiles, (0, 2, 1)), products)  # (36, C, K)
    return _transform(_KERNEL.T, products)


def _transform(matrix, maps):
    """Applies a matrix `(n, m)` to the first axis of `(m, ..., C)`; (n, rest, C)."""
    found = ops.matmul(matrix, ops.reshape(maps, (matrix.shape[1], -1)))
    return ops.reshape(found, (matrix.shape[0], -1, maps.shape[-1]))


def _outputs(size, dilation, around):
    return tuple(side + 2 * around - 2 * dilation for side in size)


def _rounded(size, dilation):
    step = _OUT * dilation
    return tuple(-(-side // step) * step for side in size)


def _input_tiles(inputs, size, dilation, around):
    """Pads and cuts into 6x6 tiles for an output of `size`: `(36, B * tiles, C)`."""
    rounded = _rounded(size, dilation)
    sides = [(around, around + r - s) for r, s in zip(rounded, size, strict=True)]
    if any(map(any, sides)):
        inputs = ops.pad(inputs, ((0, 0), *sides, (0, 0)))
    return _tiled(inputs, rounded, dilation, _IN)


def _tiled(maps, size, dilation, side):
    """Gathers the pixels of all tiles, `(side ** 2, B * tiles, C)`."""
    batch, channels = ops.shape(maps)[0], maps.shape[-1]
    height, width = maps.shape[1:3]
    places = _places(*size, dilation, side, width)[:, None]
    photo = ops.arange(batch, dtype="int32")[None, :, None]
    places = ops.reshape(places + height * width * photo, (-1,))
    tiles = ops.take(ops.reshape(maps, (-1, channels)), places, axis=0)
    return ops.reshape(tiles, (side**2, -1, channels))


@functools.cache
def _places(height, width, dilation, side, row):
    """Where in a flat map the pixels of each tile are: `(side ** 2, tiles)`."""

    def along(length):
        # A tile takes every `dilation`-th pixel; so many tiles interleave.
        first = np.arange(length).reshape(-1, _OUT, dilation)[:, 0].ravel()
        return first + dilation * np.arange(side)[:, None]

    rows, columns = along(height), along(width)
    places = row * rows[:, None, :, None] + columns[None, :, None, :]
    return places.reshape(side**2, -1).astype(np.int32)


@functools.cache
def _untiled(height, width, dilation):
    """Of each pixel of a map its place within its tile, and its tile: `(H * W,)`."""
    rounded = _rounded((height, width), dilation)
    places = _places(*rounded, dilation, _OUT, rounded[1])
    found = np.argsort(places.ravel()).reshape(rounded)[:height, :width].ravel()
    pixel, tile = np.divmod(found, places.shape[1])
    return pixel.astype(np.int32), tile.astype(np.int32)
