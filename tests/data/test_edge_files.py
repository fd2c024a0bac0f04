"""Edge maps from files: found by name, cut and flipped as their photos, thinned."""

import numpy as np
import pytest
import skimage
from PIL import Image

from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.pipeline import build_dataset
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.errors import InputError


def save(path, array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def pairs(tmp_path, photo):
    """Photos whose red channel is drawn again, alone, as their edge files."""
    for number in range(4):
        pixels = photo(48, 64 + 8 * number, seed=number)
        save(tmp_path / "photos" / f"{number}.png", pixels)
        save(tmp_path / "edges" / f"{number}.png", pixels[..., 0])
    return tmp_path


def first_batch(folder, count: int = 4, **options) -> dict:
    edges = EdgeOptions(sigma=1.0, folder=folder / "edges", **options)
    dataset = build_dataset(
        folder / "photos",
        size=32,
        batch_size=count,
        masks={"block": 1.0},
        edges=edges,
        crop="random",
    )
    return {key: value.numpy() for key, value in next(iter(dataset)).items()}


def test_edge_files_are_cut_and_flipped_as_their_photos(pairs):
    batch = first_batch(pairs, 12)
    np.testing.assert_allclose(batch["edge"], batch["image"][..., :1], atol=1e-6)


def test_an_edge_file_of_half_the_photos_size_lies_at_the_same_place(pairs):
    for file in (pairs / "edges").iterdir():
        whole = np.asarray(Image.open(file))
        save(file, np.full_like(whole[::2, ::2], 0))
        half = np.zeros_like(whole[::2, ::2])
        half[:, half.shape[1] // 2 :] = 255
        save(file, half)
        pixels = np.zeros((*whole.shape, 3), np.uint8)
        pixels[:, whole.shape[1] // 2 :] = 255
        save(pairs / "photos" / file.name, pixels)
    batch = first_batch(pairs)
    off = np.abs(batch["edge"] - batch["image"][..., :1]) > 0.3
    assert off.mean() < 0.02  # only along the border of black and white


def test_thin_keeps_of_an_edge_file_what_canny_finds(pairs):
    batch = first_batch(pairs, thin=True)
    for image, gray, edge in zip(
        batch["image"], batch["gray"], batch["edge"], strict=True
    ):
        canny = skimage.feature.canny(gray[..., 0], sigma=1.0)
        np.testing.assert_allclose(edge[..., 0], image[..., 0] * canny, atol=1e-6)


def test_photos_in_folders_find_the_map_of_their_folder_or_of_their_name(
    tmp_path, photo
):
    for name in ("a/1.jpg", "b/1.jpg", "b/2.jpg"):
        save(tmp_path / "photos" / name, photo())
    for seed, name in enumerate(("a/1.png", "b/1.png", "2.png")):
        save(tmp_path / "edges" / name, photo(seed=seed)[..., 0])
    source = open_source(tmp_path / "photos")
    edges = pair_edges(source, EdgeOptions(folder=tmp_path / "edges"))
    for index, name in enumerate(("a/1.png", "b/1.png", "2.png")):
        expected = np.asarray(Image.open(tmp_path / "edges" / name))
        np.testing.assert_array_equal(edges(index).numpy()[..., 0], expected)


def test_photos_without_an_edge_file_are_named(pairs):
    (pairs / "edges" / "1.png").unlink()
    (pairs / "edges" / "3.png").unlink()
    with pytest.raises(InputError, match=r"2 of 4 photos have no edge file.*1.png, 3"):
        first_batch(pairs)


def test_an_edge_file_that_cannot_be_read_is_named(pairs):
    (pairs / "edges" / "2.png").write_bytes(b"text")
    with pytest.raises(InputError, match=r"1 of 4 .*2.png \(is not an"):
        first_batch(pairs)


def test_an_edge_file_of_another_shape_is_named(pairs, photo):
    save(pairs / "edges" / "2.png", photo(48, 48))
    with pytest.raises(InputError, match="1 of 4 .*another shape.*: 2.png"):
        first_batch(pairs)


def test_a_missing_folder_of_edge_files_is_named(pairs):
    source = open_source(pairs / "photos")
    with pytest.raises(InputError, match="nowhere"):
        pair_edges(source, EdgeOptions(folder=pairs / "nowhere"))


def test_an_edge_file_that_fails_at_decode_skips_its_photo(pairs):
    source = open_source(pairs / "photos")
    edges = EdgeOptions(sigma=1.0, folder=pairs / "edges")
    dataset = build_dataset(source, size=32, masks={"block": 1.0}, edges=edges)
    file = pairs / "edges" / "0.png"
    file.write_bytes(file.read_bytes()[:-40])
    batch = next(dataset.as_numpy_iterator())
    skipped = [
        name
        for position, count in zip(batch["position"], batch["skipped"], strict=True)
        for name in source.skipped_names(int(position), int(count), seed=0)
    ]
    assert set(skipped) == {"0.png"}


def test_without_a_folder_there_is_nothing_to_pair(pairs):
    assert pair_edges(open_source(pairs / "photos"), EdgeOptions()) is None


@pytest.mark.parametrize(
    "options", [{"thin": True}, {"thin": True, "folder": "edges", "sigma": -1}]
)
def test_thin_without_a_folder_or_without_canny_is_refused(options):
    with pytest.raises(InputError, match="thin"):
        EdgeOptions(**options)
