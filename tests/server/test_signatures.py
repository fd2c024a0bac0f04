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
    answer = client.predict("serving_default", {"image": image, "mask": mask})
    inpainted, edges = answer["inpainted"], answer["edges"]
    np.testing.assert_array_equal(inpainted, np.where(mask > 0, 255 - image, image))
    np.testing.assert_array_equal(edges, mask)
    assert inpainted.dtype == edges.dtype == np.uint8


def test_predict_edges_gives_edges_alone(client, batch):
    image, mask = batch
    answer = client.predict("predict_edges", {"image": image, "mask": mask})
    np.testing.assert_array_equal(answer["edges"], mask)


def test_inpaint_with_edges_follows_the_drawing(client, batch):
    image, mask = batch
    drawing = np.zeros_like(mask)
    drawing[:, 3] = 200
    inputs = {"image": image, "mask": mask, "edges": drawing}
    answer = client.predict("inpaint_with_edges", inputs)
    np.testing.assert_array_equal(
        answer["inpainted"], np.where(mask > 0, drawing, image)
    )


@pytest.mark.parametrize("count", [1, 3])
def test_serving_bytes_takes_pictures_of_several_sizes(client, count):
    random = np.random.default_rng(1)
    sizes = [(12, 16), (15, 13), (20, 12)][:count]
    images = [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    masks = [np.zeros(size, np.uint8) for size in sizes]
    for mask in masks:
        mask[4:8, 4:8] = 255
    inputs = {
        "image_bytes": np.array(list(map(png, images)), dtype=object),
        "mask_bytes": np.array(list(map(png, masks)), dtype=object),
    }
    answers = client.predict("serving_bytes", inputs)["inpainted_bytes"]
    assert len(answers) == count
    for answer, image, mask in zip(answers, images, masks, strict=True):
        expected = np.where(mask[..., None] > 0, 255 - image, image)
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(answer))), expected
        )


def test_the_latest_version_is_available(client):
    assert client.versions()[2] == "AVAILABLE"
