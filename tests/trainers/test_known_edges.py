"""With `edge.known: masked` training feeds the networks what filling feeds them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_run import config
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.trainers.inpaint import InpaintTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses
from tf_edgeconnect.trainers.pictures import choose_edges
from tf_edgeconnect.trainers.run_data import RunData

L1_ALONE = InpaintLosses(adversarial_weight=0, perceptual_weight=0, style_weight=0)


def test_trained_and_filled_pictures_are_the_same(networks):
    settings = config("edge.known=masked", "edge.sigma=1")
    data = RunData(settings, None, lambda line: None)
    batch = next(iter(data.validation_batches()))
    # Filling starts from whole grey levels.
    image = np.round(255 * batch["image"]).astype(np.uint8)
    gray = tf.constant(image / np.float32(255)) @ [[0.2125], [0.7154], [0.0721]]

    made = networks("edge_generator", "inpaint_generator")
    trainer = InpaintTrainer(
        made["inpaint_generator"],
        edge_generator=made["edge_generator"],
        losses=L1_ALONE,
    )
    graph = InpaintGraph(*made.values(), sigma=1.0)
    known = graph.known_edges(image, batch["mask"]).numpy()
    assert not known[batch["mask"] > 0].any()
    whole = {**batch, "image": image / np.float32(255), "gray": gray}
    pictures = trainer({**whole, "known_edge": known / np.float32(255)})
    filled, edges = graph.fill(image, batch["mask"])
    for found, bytes_ in (("composite_edge", edges), ("inpainted", filled)):
        difference = np.abs(255 * pictures[found] - tf.cast(bytes_, tf.float32))
        assert difference.max() <= 0.51, found  # rounding alone
    # and the pipeline's known edges are those
    assert np.mean(255 * batch["known_edge"] != known) < 0.01


def test_lines_inside_the_hole_are_still_the_photos_own(batch):
    batch["known_edge"] = np.zeros_like(batch["edge"])
    edges = choose_edges({"canny": 1.0}, batch, {})
    np.testing.assert_array_equal(edges, batch["edge"] * batch["mask"])


def test_external_lines_cannot_be_masked(tmp_path):
    with pytest.raises(InputError, match=r"known masked needs source canny"):
        config("edge.source=external", f"edge.folder={tmp_path}", "edge.known=masked")
