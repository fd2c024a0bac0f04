"""Files that TensorFlow would read otherwise, kept as PNG by the scan."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.photos.reading import read_edges, read_mask, read_photo

HOLE = np.zeros((24, 36), np.uint8)
HOLE[4:10, 3:20] = 255
TURNED = {"exif": Image.Exif()}
TURNED["exif"][0x0112] = 6


def alpha(hole: np.ndarray) -> Image.Image:
    """White everywhere, drawn by its alpha."""
    return Image.merge(
        "LA", [Image.new("L", hole.shape[::-1], 255), Image.fromarray(hole)]
    )


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("alpha.png", alpha(HOLE), {}),
        ("turned.png", Image.fromarray(HOLE), TURNED),
        ("turned.jpg", Image.fromarray(HOLE), TURNED | {"quality": 95}),
        ("mask.tif", Image.fromarray(HOLE), {}),
        ("mask.gif", Image.fromarray(HOLE), {}),
    ],
)
def test_a_mask_trains_as_the_hole_it_fills(tmp_path, name, picture, options):
    file = tmp_path / "masks" / name
    file.parent.mkdir()
    picture.save(file, **options)
    meant = read_mask(file)
    assert meant.any() and not meant.all()
    cache = tmp_path / "run" / "masks.json"
    sample = mask_sampler({"external": 1}, 24, folder=file.parent, cache=cache)
    drawn = sample(tf.constant([0, 0]))[..., 0].numpy()
    white = tf.constant(255 * meant[..., None], tf.float32)
    expected = tf.image.resize(white, (24, 24), method="area")[..., 0] > 127.5
    np.testing.assert_array_equal(drawn, expected)
    (kept,) = (tmp_path / "run" / "kept").iterdir()
    with Image.open(kept) as image:
        assert (image.format, image.mode) == ("PNG", "L")


def test_a_mask_that_tensorflow_reads_alike_is_not_kept(tmp_path):
    for number, kind in enumerate(("png", "jpg", "webp")):
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(HOLE).save(tmp_path / "masks" / f"{number}.{kind}")
    cache = tmp_path / "run" / "masks.json"
    mask_sampler({"external": 1}, 24, folder=tmp_path / "masks", cache=cache)
    assert cache.is_file() and not (tmp_path / "run" / "kept").exists()


def test_edges_train_upright_and_without_their_transparent_parts(
    tmp_path, photo_folder
):
    photos = open_source(photo_folder(2))  # of the same shape, 40 x 48 and 41 x 49
    (tmp_path / "edges").mkdir()
    alpha(np.pad(HOLE, [(8, 8), (6, 6)])).save(tmp_path / "edges" / "00.png")
    turned = Image.fromarray(np.pad(HOLE, [(12, 13), (2, 3)]))
    turned.save(tmp_path / "edges" / "01.png", **TURNED)
    read = pair_edges(photos, EdgeOptions(folder=tmp_path / "edges"))
    for index in range(2):
        meant = read_edges(tmp_path / "edges" / f"0{index}.png")
        np.testing.assert_array_equal(read(index).numpy()[..., 0], meant)


@pytest.mark.parametrize("name", ["a.tif", "a.gif", "a.avif", "palette.bmp", "a.webp"])
def test_a_photo_that_tensorflow_cannot_decode_is_read_as_it_is(tmp_path, photo, name):
    picture = Image.fromarray(photo())
    options = {}
    if name == "palette.bmp":
        picture = picture.quantize(9)
    if name == "a.webp":
        options = {"save_all": True, "append_images": [Image.fromarray(photo(seed=1))]}
    folder = tmp_path / "photos"
    folder.mkdir()
    picture.save(folder / name, **options)
    source = open_source(folder)
    assert source.name(0) == name
    pixels = source.read(tf.constant(0, tf.int64))
    np.testing.assert_array_equal(pixels, read_photo(folder / name).rgb())
    assert source.encoded(0).contents.startswith(b"\x89PNG")


def test_a_kept_file_that_was_removed_is_made_again(tmp_path, photo):
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo()).save(tmp_path / "photos" / "a.tif")
    cache = tmp_path / "run" / "scan.json"
    for _ in range(2):
        source = open_source(tmp_path / "photos", cache)
        np.testing.assert_array_equal(source.read(tf.constant(0)), photo())
        (kept,) = (tmp_path / "run" / "kept").iterdir()
        kept.unlink()


def test_a_photo_is_known_by_its_content_and_other_files_are_named(
    photo_folder, photo, encode, caplog
):
    folder = photo_folder(2)
    (folder / "phone.jfif").write_bytes(encode(photo(), "JPEG"))
    (folder / "gif.jpg").write_bytes(encode(photo(), "GIF"))
    (folder / "notes.txt").write_text("no photo")
    source = open_source(folder)
    names = [source.name(index) for index in range(len(source))]
    assert names == ["00.png", "01.jpg", "gif.jpg", "phone.jfif"]
    assert source.report == (4, ())
    assert "skipped, not images: notes.txt" in caplog.text
