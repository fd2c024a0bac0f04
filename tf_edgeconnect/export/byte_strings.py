"""Photos and masks that come as the bytes of PNG and JPEG files.

Every string is judged before any is painted: its kind and size by its header alone, so
a small file that would decode to gigabytes is refused before it does, then whether it
decodes. All that are bad are named by their index in one answer.
"""

from collections.abc import Callable

import tensorflow as tf

from tf_edgeconnect.data.images import decode, to_gray
from tf_edgeconnect.masking import HALF_GRAY

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_NO_SIZE = (0, 0)


def require_decodable(
    image_bytes: tf.Tensor, mask_bytes: tf.Tensor, max_pixels: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Refuses a batch with strings that are no pictures, too large, or no pairs.

    Args:
        image_bytes: string `(B,)`.
        mask_bytes: string `(B,)`.
        max_pixels: bound of the height x width of each.

    Returns:
        The strings, all of which decode to photos and masks of equal sizes.
    """
    headers = [
        _each(lambda item: _judged_by_header(item, max_pixels), strings)
        for strings in (image_bytes, mask_bytes)
    ]
    image_bytes, mask_bytes = _require_none(headers, image_bytes, mask_bytes)
    sizes = [
        _each(lambda item: _attempt(_decoded_size, item), strings, tf.int32)
        for strings in (image_bytes, mask_bytes)
    ]
    broken = [
        tf.where(tf.reduce_any(size == 0, -1), "is damaged or cut off", "")
        for size in sizes
    ]
    image_bytes, mask_bytes = _require_none(broken, image_bytes, mask_bytes)
    unequal = tf.where(
        tf.reduce_any(sizes[0] != sizes[1], -1),
        "must have the height and width of its photo",
        "",
    )
    return _require_none([tf.zeros_like(image_bytes), unequal], image_bytes, mask_bytes)


def decode_hole(contents: tf.Tensor) -> tf.Tensor:
    """Decodes a mask: white is hole, cut at 50 % grey; transparent counts as black.

    Args:
        contents: string scalar, a whole PNG or JPEG file.

    Returns:
        float32 `(H, W, 1)`, 1 = hole.
    """

    def of_png() -> tf.Tensor:
        pixels = tf.cast(tf.io.decode_png(contents, channels=4), tf.float32)
        return to_gray(pixels[..., :3]) * pixels[..., 3:] / 255

    gray = tf.cond(
        _starts(contents, _PNG),
        of_png,
        lambda: to_gray(tf.cast(decode(contents), tf.float32)),
    )
    return tf.cast(gray > HALF_GRAY, tf.float32)


def _judged_by_header(contents: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Returns what is wrong with one string as its header says, or an empty string."""
    known = _starts(contents, _PNG) | _starts(contents, _JPEG)
    size = tf.cond(
        known, lambda: _attempt(_header_size, contents), lambda: tf.constant(_NO_SIZE)
    )
    size = tf.cast(size, tf.int64)
    pixels = size[0] * size[1]
    too_large = tf.strings.format(
        f"is of {{}} pixels, expected {max_pixels} or fewer", [pixels]
    )
    return tf.where(
        ~known,
        "is not a PNG or JPEG file",
        tf.where(
            tf.reduce_any(size < 1),
            "has a damaged header",
            tf.where(pixels > max_pixels, too_large, ""),
        ),
    )


def _header_size(contents: tf.Tensor) -> tf.Tensor:
    def of_png() -> tf.Tensor:
        # Width and height, big-endian, behind the signature and the first chunk's head.
        numbers = tf.io.decode_raw(
            tf.strings.substr(contents, 16, 8), tf.int32, little_endian=False
        )
        return tf.ensure_shape(numbers, (2,))[::-1]

    return tf.cond(
        _starts(contents, _PNG),
        of_png,
        lambda: tf.io.extract_jpeg_shape(contents)[:2],
    )


def _decoded_size(contents: tf.Tensor) -> tf.Tensor:
    return tf.shape(decode(contents))[:2]


def _starts(contents: tf.Tensor, magic: bytes) -> tf.Tensor:
    # Padded, since substr fails on too short a string.
    return tf.equal(tf.strings.substr(contents + b"\0" * 8, 0, len(magic)), magic)


def _attempt(
    function: Callable[[tf.Tensor], tf.Tensor], contents: tf.Tensor
) -> tf.Tensor:
    """Returns the height and width that a function gives, or zeros where it fails."""
    # A graph cannot catch an operation's error; a data set can pass over it.
    results = tf.data.Dataset.from_tensors(contents).map(function).ignore_errors()
    return results.reduce(tf.constant(_NO_SIZE), lambda _, size: size)


def _each(
    function: Callable[[tf.Tensor], tf.Tensor],
    strings: tf.Tensor,
    dtype: tf.DType = tf.string,
) -> tf.Tensor:
    # One by one: at most one picture is decoded at a time.
    shape = () if dtype == tf.string else (2,)
    return tf.map_fn(
        function,
        strings,
        fn_output_signature=tf.TensorSpec(shape, dtype),
        parallel_iterations=1,
    )


def _require_none(
    problems: list[tf.Tensor], image_bytes: tf.Tensor, mask_bytes: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Fails with one sentence that names each string with a problem."""
    sentences = []
    for name, found in zip(("image_bytes", "mask_bytes"), problems, strict=True):
        bad = tf.where(found != "")[:, 0]
        index = tf.strings.as_string(bad)
        told = tf.strings.join([name, "[", index, "] ", tf.gather(found, bad)])
        sentences.append(told)
    sentences = tf.concat(sentences, 0)
    check = tf.debugging.Assert(
        tf.equal(tf.size(sentences), 0),
        [tf.strings.reduce_join(sentences, separator="; ")],
    )
    with tf.control_dependencies([check]):
        return tf.identity(image_bytes), tf.identity(mask_bytes)
