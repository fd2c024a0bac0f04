"""`Inpainter` on arrays."""

import logging

import numpy as np
import pytest

import tf_edgeconnect as ec
from tests.pictures import hole_of
from tf_edgeconnect.edges.exact import canny
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.keras import KerasBackend
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.models.storage import save_networks

RNG = np.random.default_rng(8)


def photo(*shape):
    return RNG.integers(0, 256, (*shape, 3), np.uint8)


def middle_hole(height, width):
    return np.uint8(255) * hole_of(height, width)


@pytest.fixture
def inpainter(tiny_inpainter):
    return tiny_inpainter


@pytest.fixture
def networks(inpainter):
    return inpainter.edge_generator, inpainter.inpaint_generator


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (3, 5), (11, 13), (12, 12), (17, 30), (32, 21)]
)
def test_known_pixels_are_bit_identical_at_every_size(inpainter, size):
    image, mask = photo(*size), middle_hole(*size)
    result = inpainter(image, mask)
    assert result.image.shape == image.shape and result.edges.shape == mask.shape
    assert result.image.dtype == result.edges.dtype == np.uint8
    known = mask == 0
    np.testing.assert_array_equal(result.image[known], image[known])
    if min(size) > 4:
        assert (result.image[~known] != image[~known]).any()


def test_a_mask_is_cut_at_half_gray(inpainter):
    image, mask = photo(12, 12), middle_hole(12, 12)
    noisy = np.where(mask > 0, 128, 127).astype(np.uint8)
    expected = inpainter(image, mask)
    for same in (noisy, mask > 127, mask[..., None]):
        result = inpainter(image, same)
        np.testing.assert_array_equal(result.image, expected.image)
        assert result.edges.shape == same.shape


def test_a_batch_equals_its_photos_one_by_one(inpainter):
    images = photo(2, 13, 18)
    masks = np.stack([middle_hole(13, 18), np.flip(middle_hole(13, 18))])
    batch = inpainter(images, masks)
    for index in range(2):
        one = inpainter(images[index], masks[index])
        off = np.abs(batch.image[index].astype(int) - one.image)
        assert off.max() <= 1  # another order of float sums
        np.testing.assert_allclose(batch.edges[index], one.edges, atol=1)


def test_edges_outside_the_hole_are_canny_with_the_known_region_as_valid(inpainter):
    image, mask = photo(24, 24) // 4, middle_hole(24, 24)
    image[:, 12:] += 150
    known = (mask == 0)[..., None].astype(np.float32)
    gray = (image / 255 @ [0.2125, 0.7154, 0.0721]).astype(np.float32)[..., None]
    expected = canny(gray, 2.0, valid=known).numpy()[..., 0]
    edges = inpainter.predict_edges(image, mask)
    assert expected.any()
    np.testing.assert_array_equal(edges[mask == 0], 255 * expected[mask == 0])
    np.testing.assert_array_equal(inpainter(image, mask).edges, edges)


def test_the_edges_of_a_whole_photo_are_canny(inpainter):
    image = photo(24, 24) // 4
    image[:, 12:] += 150
    gray = (image / 255 @ [0.2125, 0.7154, 0.0721]).astype(np.float32)[..., None]
    expected = canny(gray, 2.0).numpy()[..., 0]
    assert expected.any()
    np.testing.assert_array_equal(inpainter.photo_edges(image), 255 * expected)


def test_another_sigma_may_be_asked_of_networks_trained_on_known_edges(
    inpainter, networks
):
    image, mask = photo(24, 24) // 4, middle_hole(24, 24)
    image[:, 12:] += 150
    known = mask == 0
    gray = (image / 255 @ [0.2125, 0.7154, 0.0721]).astype(np.float32)[..., None]
    valid = known[..., None].astype(np.float32)
    expected = canny(gray, 1.0, valid=valid).numpy()[..., 0]
    assert (expected != canny(gray, 2.0, valid=valid).numpy()[..., 0]).any()
    assert inpainter.takes_sigma
    for edges in (
        inpainter(image, mask, sigma=1.0).edges,
        inpainter.predict_edges(image, mask, sigma=1.0),
    ):
        np.testing.assert_array_equal(edges[known], 255 * expected[known])
    edges = inpainter.photo_edges(image, sigma=1.0)
    np.testing.assert_array_equal(edges, 255 * canny(gray, 1.0).numpy()[..., 0])
    with pytest.raises(InputError, match="has its own sigma"):
        Inpainter(KerasBackend(*networks, -1)).photo_edges(image, sigma=1.0)


def test_sigma_0_means_2_and_minus_1_means_no_edges(inpainter, networks):
    image = photo(24, 24) // 4
    image[:, 12:] += 150
    zero, none = (
        Inpainter(KerasBackend(*networks, s)).photo_edges(image) for s in (0, -1)
    )
    np.testing.assert_array_equal(zero, inpainter.photo_edges(image))
    assert zero.any() and not none.any()


def test_given_edges_change_the_hole_and_nothing_else(inpainter):
    image, mask = photo(20, 20), middle_hole(20, 20)
    given = np.zeros_like(mask)
    given[7, :] = 200
    plain = inpainter(image, mask, np.zeros_like(mask))
    result = inpainter(image, mask, given)
    known = mask == 0
    np.testing.assert_array_equal(result.image[known], image[known])
    np.testing.assert_array_equal(result.edges[~known], given[~known])
    np.testing.assert_array_equal(result.edges[known], plain.edges[known])
    assert (result.image[~known] != plain.image[~known]).any()


def test_edges_given_back_paint_the_same(inpainter):
    image, mask = photo(20, 20), middle_hole(20, 20)
    first = inpainter(image, mask)
    again = inpainter(image, mask, first.edges)
    np.testing.assert_array_equal(again.edges, first.edges)
    off = np.abs(first.image.astype(int) - again.image)
    assert off.max() <= 2  # edges went through bytes


def test_inverted_edges_are_refused(inpainter):
    image, mask = photo(12, 12), middle_hole(12, 12)
    white = np.full_like(mask, 255)
    white[3] = 0
    with pytest.raises(InputError, match="92% white.*inverted"):
        inpainter(image, mask, white)


def test_a_mask_without_hole_returns_the_photo_and_says_so(inpainter, caplog):
    image = photo(12, 15)
    with caplog.at_level(logging.WARNING):
        result = inpainter(image, np.zeros((12, 15), np.uint8))
    np.testing.assert_array_equal(result.image, image)
    assert caplog.messages == ["the mask has no hole: the photo stays as it is"]


def test_a_mask_that_is_all_hole_is_painted_with_a_warning(inpainter, caplog):
    image = photo(12, 15)
    with caplog.at_level(logging.WARNING):
        result = inpainter(image, np.full((12, 15), 255, np.uint8))
    assert result.image.shape == image.shape
    assert "all hole" in caplog.text


def test_published_feeds_other_edges(inpainter):
    image, mask = photo(16, 16), middle_hole(16, 16)
    published = inpainter(image, mask, published=True)
    known = mask == 0
    np.testing.assert_array_equal(published.image[known], image[known])
    composite = inpainter(image, mask)
    assert (published.edges[known] != composite.edges[known]).any()
    off = published.edges[~known].astype(int) - composite.edges[~known]
    assert np.abs(off).max() <= 1


def test_published_cuts_colours_that_are_rounded_otherwise(networks):
    # Equal edges everywhere: without edges both ways feed the same painting.
    graph = InpaintGraph(None, networks[1], sigma=-1)
    images = photo(16, 16)[None]
    mask = np.float32(middle_hole(16, 16) > 0)[None, ..., None]
    rounded = np.array(graph.fill(images, mask)[0]).astype(int)
    cut = np.array(graph.fill_as_published(images, mask)[0])
    hole = np.broadcast_to(mask > 0, images.shape)
    assert set(np.unique((rounded - cut)[hole])) == {0, 1}
    assert not (rounded - cut)[~hole].any()


def test_without_edge_generator_known_edges_guide_with_one_warning(networks, caplog):
    inpainter = Inpainter(KerasBackend(None, networks[1]))
    image, mask = photo(16, 16), middle_hole(16, 16)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            result = inpainter(image, mask)
    assert not result.edges[mask > 0].any()
    assert len([m for m in caplog.messages if "no edge generator" in m]) == 1
    with pytest.raises(InputError, match="published"):
        inpainter(image, mask, published=True)


def test_without_inpaint_generator_only_edges_are_predicted(networks):
    inpainter = Inpainter(KerasBackend(networks[0], None))
    image, mask = photo(16, 16), middle_hole(16, 16)
    assert inpainter.predict_edges(image, mask).shape == (16, 16)
    with pytest.raises(InputError, match="no inpaint generator"):
        inpainter(image, mask)


@pytest.mark.parametrize(
    ("image", "mask", "words"),
    [
        (photo(8, 8) / 255, middle_hole(8, 8), "uint8.*got float64"),
        (photo(8, 8)[..., 0], middle_hole(8, 8), r"got uint8 \(8, 8\)"),
        (photo(8, 8), middle_hole(8, 9), r"size \(8, 8\), got \(8, 9\)"),
        (photo(2, 8, 8), middle_hole(8, 8), r"size \(2, 8, 8\), got \(8, 8\)"),
        (photo(8, 8), middle_hole(8, 8) / 255, "mask must be uint8.*got float64"),
        (photo(8, 8), middle_hole(8, 8) // 255, "values 0 and 1"),
        (photo(0, 8), middle_hole(0, 8), "no pixels"),
    ],
)
def test_wrong_arrays_are_named(inpainter, image, mask, words):
    with pytest.raises(InputError, match=words) as raised:
        inpainter(image, mask)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("edges", [np.zeros((8, 9), np.uint8), np.zeros((8, 8))])
def test_wrong_edges_are_named(inpainter, edges):
    with pytest.raises(InputError, match=r"edges must be uint8 .*\(8, 8\)"):
        inpainter(photo(8, 8), middle_hole(8, 8), edges)


def test_a_saved_run_has_the_networks_of_its_stages(networks, tmp_path):
    names = ("edge_generator", "inpaint_generator")
    for step, (name, network) in enumerate(zip(names, networks, strict=True)):
        stage = name.split("_")[0]
        meta = {"stage": stage, "step": step, "sigma": 2.0}
        save_networks(tmp_path / "weights" / stage, {name: network}, meta)
    loaded = ec.Inpainter.load(tmp_path)
    for name, network in zip(names, networks, strict=True):
        for ours, saved in zip(
            getattr(loaded, name).get_weights(), network.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, saved)
    assert loaded.sigma == 2.0
    assert "stage edge, step 0" in loaded.description
    assert "stage inpaint, step 1" in loaded.description


def test_sigma_comes_with_the_model(networks, tmp_path):
    save_networks(tmp_path, {"edge_generator": networks[0]}, {"sigma": -1})
    loaded = Inpainter.load(tmp_path)
    assert loaded.sigma == -1
    assert loaded.inpaint_generator is None


def test_a_path_that_is_no_model_is_refused_with_what_is_accepted(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match="run directory.*weights folder"):
            Inpainter.load(path)
