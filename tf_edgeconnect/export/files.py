"""Photos and masks that come as the bytes of PNG and JPEG files, in a graph.

Their sizes may differ within a batch. Every string is judged before any is painted: its
kind and size by its header alone, so that a small file that would decode to gigabytes
is refused before it does, then whether it decodes. All that are bad are named by their
index in one answer. The EXIF orientation is applied; other metadata is dropped. Masks
are white on black, or white paint on a transparent ground; what `photos/masks.py` would
read by another rule is refused.
"""

import tensorflow as tf

from tf_edgeconnect.data.images import decode, orient, to_gray
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.masks import MIDDLE, NOISE

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_EXIF_WITHIN = 2**16  # bytes that are searched
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
    sizes, is_mask = _decoded(contents, known, max_pixels)
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
        (
            ~is_mask & (tf.range(2 * count) >= count),
            "is not white on black; convert labels, other paint and photos first",
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
        float32 `(H, W, 1)`, 1 = hole, turned upright.
    """
    gray, _ = _gray_and_colours(contents)
    return orient(tf.cast(gray > HALF_GRAY, tf.float32), _orientation(contents))


def _gray_and_colours(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes a mask to grey on black and to RGBA, both float32 of 0 to 255."""

    def of_png() -> tf.Tensor:
        rgba = tf.cast(tf.io.decode_png(contents, 4, tf.uint16), tf.float32) / 257
        # TensorFlow 2.21 gives pixels of 1, 2 or 4 bits 1, 3 or 15 of 255 as alpha.
        depth = tf.io.decode_raw(tf.strings.substr(contents, 24, 1), tf.uint8)
        opaque = 2.0 ** tf.cast(depth, tf.float32) - 1
        alpha = tf.where(rgba[..., 3:] == opaque, 255.0, rgba[..., 3:])
        return tf.concat([rgba[..., :3], alpha], -1)

    def of_jpeg() -> tf.Tensor:
        return tf.pad(
            tf.cast(decode(contents), tf.float32),
            [[0, 0], [0, 0], [0, 1]],
            constant_values=255,
        )

    rgba = tf.cond(_starts(contents, _PNG), of_png, of_jpeg)
    rgba = tf.ensure_shape(rgba, (None, None, 4))
    return to_gray(rgba[..., :3]) * rgba[..., 3:] / 255, rgba


def _is_mask(contents: tf.Tensor) -> tf.Tensor:
    """Whether `photos/masks.py` would see the same hole, as far as a few sums tell."""
    gray, rgba = _gray_and_colours(contents)
    is_solid = rgba[..., 3] > HALF_GRAY
    colours = rgba[..., :3]
    spread = tf.reduce_max(colours, -1) - tf.reduce_min(colours, -1)
    is_gray = tf.reduce_all((spread <= NOISE) | ~is_solid)
    is_middle = (gray[..., 0] > 255 / 8) & (gray[..., 0] < 255 * 7 / 8)
    darkest, lightest = tf.reduce_min(gray), tf.reduce_max(gray)
    is_white = tf.reduce_min(colours, -1) >= 255 - NOISE
    is_pure = tf.reduce_all(colours == 0, -1) | tf.reduce_all(colours == 255, -1)
    is_white_paint = (lightest > HALF_GRAY) & (
        tf.reduce_all(is_white | ~is_solid) | tf.reduce_all(is_pure | ~is_solid)
    )
    is_white_on_black = (
        ((lightest > HALF_GRAY) | (lightest == 0))
        & ((darkest <= HALF_GRAY) | (darkest == 255))
        & (tf.reduce_mean(tf.cast(is_middle, tf.float32)) <= MIDDLE)
    )
    return is_gray & tf.where(
        tf.reduce_all(is_solid), is_white_on_black, is_white_paint
    )


def _decoded(
    contents: tf.Tensor, known: tf.Tensor, max_pixels: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns heights and widths, upright, and whether each may be a mask.

    The sizes are zero where a string cannot be decoded. A graph cannot catch an
    operation's error; a data set can pass over the element.
    """

    def look(index: tf.Tensor, file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        header = _header_size(file)
        fits = tf.reduce_prod(tf.cast(header, tf.int64)) <= max_pixels
        decoded = tf.cond(
            fits,
            lambda: tf.shape(tf.io.decode_image(file, 3, expand_animations=False))[:2],
            lambda: header,
        )
        is_second = index >= tf.size(contents, tf.int64) // 2
        is_mask = tf.cond(fits & is_second, lambda: _is_mask(file), lambda: True)
        return index, tf.concat([decoded, [tf.cast(is_mask, tf.int32)]], 0)

    places = tf.where(known)[:, 0]
    elements = tf.data.Dataset.from_tensor_slices((places, tf.gather(contents, places)))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    found = (
        elements.map(look)
        .ignore_errors()
        .with_options(options)
        .reduce(
            tf.zeros([tf.size(contents), 3], tf.int32),
            lambda before, one: tf.tensor_scatter_nd_update(
                before, one[0][None, None], one[1][None]
            ),
        )
    )
    turned = tf.map_fn(_orientation, contents, fn_output_signature=tf.int64) > 4
    sizes = found[:, :2]
    sizes = tf.where(turned[:, None], sizes[:, ::-1], sizes)
    return tf.cast(sizes, tf.int64), found[:, 2] > 0


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
    """Returns what EXIF says, 1 to 8, as int64; 1 where it says nothing.

    Reference: Exif 2.3, section 4.5; PNG 1.5, section 11.3.2.11; TIFF 6.0, section 2.
    """
    parts = tf.cond(
        _starts(contents, _PNG),
        lambda: tf.strings.split(contents, b"eXIf", 1),
        lambda: tf.strings.split(
            tf.strings.substr(contents, 0, _EXIF_WITHIN), b"Exif\0\0", 1
        ),
    )
    exif = tf.strings.reduce_join(parts[1:])
    exif = tf.strings.substr(exif, 0, _EXIF_WITHIN)
    length = tf.strings.length(exif)
    data = tf.pad(tf.cast(tf.io.decode_raw(exif, tf.uint8), tf.int64), [[0, 32]])
    little = data[0] == ord("I")

    def number(at: tf.Tensor, size: int) -> tf.Tensor:
        places = at[..., None] + tf.range(size, dtype=tf.int64)
        places = tf.clip_by_value(places, 0, tf.cast(length, tf.int64))
        powers = 256 ** tf.range(size, dtype=tf.int64)
        powers = tf.where(little, powers, powers[::-1])
        return tf.reduce_sum(tf.gather(data, places) * powers, -1)

    table = number(tf.constant(4, tf.int64), 4)
    entries = table + 2 + 12 * tf.range(tf.minimum(number(table, 2), 256))
    is_tag = number(entries, 2) == _ORIENTATION
    tag = tf.reduce_max(tf.where(is_tag, number(entries + 8, 2), 0))
    is_tiff = number(tf.constant(2, tf.int64), 2) == 42
    return tf.where(is_tiff & (tag >= 1) & (tag <= 8), tag, 1)


def _starts(contents: tf.Tensor, magic: bytes) -> tf.Tensor:
    # Padded, since substr fails on too short a string.
    return tf.equal(tf.strings.substr(contents + b"\0" * 8, 0, len(magic)), magic)
