"""Every signature over both wires."""

import io

import numpy as np
import pytest
from PIL import Image


def png(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def test_serving_default_fills_the_hole_and_gives_the_edges(client, batch):
    image, mask = batch
    inpainted, edges = client.inpaint(image, mask)
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, 255 - image, image))
    np.testing.assert_array_equal(edges, mask)
    assert inpainted.dtype == edges.dtype == np.uint8


def test_predict_edges_gives_edges_alone(client, batch):
    np.testing.assert_array_equal(client.predict_edges(*batch), batch[1])


def test_inpaint_with_edges_follows_the_drawing(client, batch):
    image, mask = batch
    drawing = np.zeros_like(mask)
    drawing[:, 3] = 200
    inpainted = client.inpaint_with_edges(image, mask, drawing)
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, drawing, image))


@pytest.mark.parametrize("count", [1, 3])
def test_serving_bytes_takes_pictures_of_several_sizes(client, count):
    random = np.random.default_rng(1)
    sizes = [(12, 16), (15, 13), (20, 12)][:count]
    images = [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    masks = [np.zeros(size, np.uint8) for size in sizes]
    for mask in masks:
        mask[4:8, 4:8] = 255
    answers = client.inpaint_bytes(list(map(png, images)), list(map(png, masks)))
    assert len(answers) == count
    for answer, image, mask in zip(answers, images, masks, strict=True):
        expected = np.where(mask[..., None] > 0, 255 - image, image)
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(answer))), expected
        )


def test_the_latest_version_is_available(client):
    assert client.versions()[2] == "AVAILABLE"
