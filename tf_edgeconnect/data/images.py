"""From the bytes of a photo to a square in [0, 1], in TensorFlow ops alone.

Enters: the bytes of a JPEG, PNG, WebP or 24-bit BMP file. Leaves: uint8 `(H, W, 3)`
RGB from `decode` and `orient`, float32 `(size, size, 3)` in [0, 1] from `crop_resize`.
Everything runs inside `tf.data` graphs, in the tf.data service and in exported models.
"""

from typing import Literal

import tensorflow as tf

from tf_edgeconnect.photos.decoding import GRAY_WEIGHTS

Crop = Literal["center", "random"]


def decode(contents: tf.Tensor) -> tf.Tensor:
    """Decodes one picture, choosing the decoder by the file's first bytes.

    JPEG values equal those of Pillow and OpenCV (TensorFlow's default fast transform
    does not). CMYK becomes RGB, grey and palette are spread to RGB, alpha is dropped
    and the colours under it are kept, 16-bit values keep their upper eight bits.

    Args:
        contents: string scalar, a whole file.

    Returns:
        uint8 `(H, W, 3)`, RGB, not yet turned upright: see `orient`.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no such file, are cut off, or are
            a WebP animation, or a BMP that has not 24 bits.
    """
    # Padded, since substr fails on too short a string, with a message that quotes it.
    head = tf.strings.join([tf.strings.substr(contents, 0, 34), b"\0" * 34])

    def has(start: int, expected: bytes) -> tf.Tensor:
        return tf.equal(tf.strings.substr(head, start, len(expected)), expected)

    # TensorFlow 2.21's WebP decoder writes past its buffer when it is given an
    # animation and left to choose the channels, so an animation must never reach it.
    # Byte 20 holds the flags of the extended header; 2 is "animated".
    flags = tf.io.decode_raw(tf.strings.substr(head, 20, 1), tf.uint8)[0]
    animated = has(12, b"VP8X") & (tf.bitwise.bitwise_and(flags, 2) > 0)
    kinds = [
        has(0, b"\xff\xd8\xff"),
        has(0, b"\x89PNG\r\n\x1a\n"),
        has(0, b"RIFF") & has(8, b"WEBP") & ~animated,
        # 24 bits, not compressed: of a palette its decoder returns the indices.
        has(0, b"BM") & has(28, b"\x18\0\0\0\0\0"),
        True,
    ]
    image = tf.switch_case(
        tf.argmax(kinds, output_type=tf.int32),  # the first that is true
        [
            lambda: tf.io.decode_jpeg(
                contents, channels=3, dct_method="INTEGER_ACCURATE"
            ),
            lambda: tf.io.decode_png(contents, channels=3),
            lambda: tf.io.decode_webp(contents)[0, ..., :3],
            lambda: tf.io.decode_bmp(contents, channels=3),
            _refuse,
        ],
    )
    return tf.ensure_shape(image, (None, None, 3))


def _refuse() -> tf.Tensor:
    message = "not a JPEG, a PNG, a still WebP or a BMP of 24 bits"
    with tf.control_dependencies([tf.debugging.Assert(False, [message])]):
        return tf.zeros((1, 1, 3), tf.uint8)


def orient(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Rotates an image upright by its EXIF orientation.

    Args:
        image: `(H, W, C)`, as stored.
        orientation: int scalar 1 to 8; any other value leaves the picture as it is.

    Returns:
        `(H, W, C)`, or `(W, H, C)` for orientations 5 to 8.

    Reference: Exif 2.32, tag 0x0112.
    """
    orientation = tf.cast(orientation, tf.int32)

    def is_one_of(*values: int) -> tf.Tensor:
        return tf.reduce_any(tf.equal(orientation, values))

    image = tf.cond(
        is_one_of(5, 6, 7, 8), lambda: tf.transpose(image, (1, 0, 2)), lambda: image
    )
    # A slice by -1 gives the same, thirty times slower.
    image = tf.cond(
        is_one_of(2, 3, 6, 7), lambda: tf.reverse(image, [1]), lambda: image
    )
    return tf.cond(is_one_of(3, 4, 7, 8), lambda: tf.reverse(image, [0]), lambda: image)


def to_gray(image: tf.Tensor) -> tf.Tensor:
    """Grey values with scikit-image's weights.

    Args:
        image: float `(..., 3)`, RGB, [0, 1].

    Returns:
        float `(..., 1)`, same type, [0, 1].
    """
    red, green, blue = GRAY_WEIGHTS
    return red * image[..., 0:1] + green * image[..., 1:2] + blue * image[..., 2:3]


def square(shape: tf.Tensor, size: int, crop: Crop, seed: tf.Tensor) -> tf.Tensor:
    """Chooses the square of a photo that becomes an example.

    `center` is the largest centred square, as published. `random` draws the side
    uniformly from `size` to the photo's short side, then the place uniformly, so scale
    and place vary and nothing is enlarged; in a photo with a short side of `size` or
    less only the place varies.

    Args:
        shape: int32 `(3,)`: height, width, channels of the upright photo.
        size: side of the example, pixels.
        crop: `center` or `random`.
        seed: int32 `(2,)`; `center` does not use it.

    Returns:
        int32 `(3,)`: top, left, side, pixels.
    """
    height, width = shape[0], shape[1]
    side = tf.minimum(height, width)
    if crop == "center":
        return tf.stack([(height - side) // 2, (width - side) // 2, side])
    if crop != "random":
        raise ValueError(f"crop must be 'center' or 'random', not {crop!r}")
    draws = tf.random.stateless_uniform((3,), seed)

    def between(draw: tf.Tensor, low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
        span = tf.cast(high - low + 1, tf.float32)
        return tf.minimum(low + tf.cast(draw * span, tf.int32), high)

    side = between(draws[0], tf.minimum(size, side), side)
    top = between(draws[1], tf.constant(0), height - side)
    left = between(draws[2], tf.constant(0), width - side)
    return tf.stack([top, left, side])


def crop_resize(image: tf.Tensor, box: tf.Tensor, size: int) -> tf.Tensor:
    """Cuts a square out and resizes it, bilinear and antialiased.

    Args:
        image: uint8 or float32 `(H, W, C)`, [0, 255].
        box: int32 `(3,)`: top, left, side, as `square` gives it.
        size: side of the result, pixels.

    Returns:
        float32 `(size, size, C)`, [0, 1].
    """
    top, left, side = tf.unstack(box)
    channels = image.shape[-1]
    cut = image[top : top + side, left : left + side]
    cut = tf.ensure_shape(cut, (None, None, channels))
    resized = tf.cond(
        tf.equal(side, size),  # the same values, without a pass over them
        lambda: tf.cast(cut, tf.float32),
        lambda: tf.image.resize(cut, (size, size), method="bilinear", antialias=True),
    )
    resized = tf.ensure_shape(resized, (size, size, channels))
    # Weights that sum to 1 in float32 may still reach past white by one rounding.
    return tf.clip_by_value(resized / 255.0, 0.0, 1.0)
