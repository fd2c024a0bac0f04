"""Photos and masks that come as the bytes of PNG and JPEG files, in a graph.

Their sizes may differ within a batch. Every string is judged before any is painted: its
kind and size by its header alone, so that a small file that would decode to gigabytes
is refused before it does, then whether it decodes. All that are bad are named by their
index in one answer. A JPEG's EXIF orientation is applied; other metadata is dropped.
"""

import tensorflow as tf

from tf_edgeconnect.data.images import decode, orient, to_gray
from tf_edgeconnect.masking import HALF_GRAY

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_EXIF = {0: 0xFF, 1: 0xE1, 4: 0x45, 5: 0x78, 6: 0x69, 7: 0x66, 8: 0, 9: 0}
_EXIF_WITHIN = 2**16  # bytes from the file's start
_ORIENTATION = 0x0112


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
    contents = tf.concat([image_bytes, mask_bytes], 0)
    count = tf.size(image_bytes)
    known = _starts(contents, _PNG) | _starts(contents, _JPEG)
    sizes = _sizes(contents, known, max_pixels)
    pixels = tf.reduce_prod(sizes, 1)
    other = tf.concat([sizes[:count], sizes[:count]], 0)
    problems = [
        (~known, "is not a PNG or JPEG file"),
        (pixels == 0, "is damaged or cut off"),
        (
            pixels > max_pixels,
            tf.strings.join(
                ["is of ", tf.strings.as_string(pixels)]
                + [f" pixels, expected {max_pixels} or fewer"]
            ),
        ),
        (
            tf.reduce_any(sizes != other, 1) & (tf.reduce_prod(other, 1) > 0),
            "must have the height and width of its photo",
        ),
    ]
    reasons = tf.zeros_like(contents)
    for wrong, words in reversed(problems):  # the first counts
        reasons = tf.where(wrong, words, reasons)
    names = [
        tf.strings.join([name, "[", tf.strings.as_string(tf.range(count)), "] "])
        for name in ("image_bytes", "mask_bytes")
    ]
    sentences = tf.strings.join([tf.concat(names, 0), reasons])
    sentences = tf.boolean_mask(sentences, reasons != "")
    check = tf.debugging.Assert(
        tf.equal(tf.size(sentences), 0),
        [tf.strings.reduce_join(sentences, separator="; ")],
    )
    with tf.control_dependencies([check]):
        return tf.identity(image_bytes), tf.identity(mask_bytes)


def decode_photo(contents: tf.Tensor) -> tf.Tensor:
    """Decodes a whole PNG or JPEG file to uint8 `(H, W, 3)`, turned upright."""
    return orient(decode(contents), _orientation(contents))


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
        lambda: to_gray(tf.cast(decode_photo(contents), tf.float32)),
    )
    return tf.cast(gray > HALF_GRAY, tf.float32)


def _sizes(contents: tf.Tensor, known: tf.Tensor, max_pixels: int) -> tf.Tensor:
    """Returns heights and widths, upright; zeros for what is not decodable.

    A graph cannot catch an operation's error; a data set can pass over the element.
    """

    def size(index: tf.Tensor, file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        header = _header_size(file)
        fits = tf.reduce_prod(tf.cast(header, tf.int64)) <= max_pixels
        # One operation: a data set optimizes its functions anew at each request.
        decoded = tf.cond(
            fits,
            lambda: tf.shape(tf.io.decode_image(file, 3, expand_animations=False))[:2],
            lambda: header,
        )
        return index, decoded

    places = tf.where(known)[:, 0]
    elements = tf.data.Dataset.from_tensor_slices((places, tf.gather(contents, places)))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    sizes = (
        elements.map(size)
        .ignore_errors()
        .with_options(options)
        .reduce(
            tf.zeros([tf.size(contents), 2], tf.int32),
            lambda sizes, found: tf.tensor_scatter_nd_update(
                sizes, found[0][None, None], found[1][None]
            ),
        )
    )
    turned = tf.map_fn(_orientation, contents, fn_output_signature=tf.int64) > 4
    return tf.cast(tf.where(turned[:, None], sizes[:, ::-1], sizes), tf.int64)


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


def _orientation(contents: tf.Tensor) -> tf.Tensor:
    """Returns what a JPEG's EXIF says, 1 to 8, as int64; 1 where it says nothing.

    Reference: Exif 2.3, section 4.5; TIFF 6.0, section 2.
    """
    start = tf.strings.substr(contents, 0, _EXIF_WITHIN)
    length = tf.strings.length(start)
    data = tf.pad(tf.cast(tf.io.decode_raw(start, tf.uint8), tf.int64), [[0, 32]])
    found = _starts(contents, _JPEG) & tf.reduce_all(
        [data[n : n + length + 1] == value for n, value in _EXIF.items()], 0
    )
    tiff = tf.argmax(found) + 10
    little = data[tiff] == ord("I")

    def number(at: tf.Tensor, size: int) -> tf.Tensor:
        places = at[..., None] + tf.range(size, dtype=tf.int64)
        places = tf.clip_by_value(places, 0, tf.cast(length, tf.int64))
        powers = 256 ** tf.range(size, dtype=tf.int64)
        powers = tf.where(little, powers, powers[::-1])
        return tf.reduce_sum(tf.gather(data, places) * powers, -1)

    table = tiff + number(tiff + 4, 4)
    entries = table + 2 + 12 * tf.range(tf.minimum(number(table, 2), 256))
    is_tag = number(entries, 2) == _ORIENTATION
    tag = tf.reduce_max(tf.where(is_tag, number(entries + 8, 2), 0))
    return tf.where(tf.reduce_any(found) & (tag >= 1) & (tag <= 8), tag, 1)


def _starts(contents: tf.Tensor, magic: bytes) -> tf.Tensor:
    # Padded, since substr fails on too short a string.
    return tf.equal(tf.strings.substr(contents + b"\0" * 8, 0, len(magic)), magic)
