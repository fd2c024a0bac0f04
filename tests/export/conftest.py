"""Tiny networks, and one export of them that the tests of this folder share."""

import keras
import pytest

from tf_edgeconnect.export.saved_model import export_saved_model
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import save_networks

MAX_PIXELS = 90_000  # a warm-up of 256 x 256 fits, a request of 301 x 300 does not


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A weights folder with both generators."""
    keras.utils.set_random_seed(1)
    options = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
    folder = tmp_path_factory.mktemp("model") / "weights"
    networks = {
        "edge_generator": edge_generator(**options),
        "inpaint_generator": inpaint_generator(**options),
    }
    save_networks(folder, networks, {"stage": "joint", "step": 3, "sigma": 2.0})
    return folder


@pytest.fixture(scope="session")
def inpainter(weights):
    """The networks as trained."""
    return Inpainter.load(weights)


@pytest.fixture(scope="session")
def exported(weights, tmp_path_factory):
    """Version 1 of an export."""
    output = tmp_path_factory.mktemp("exported")
    return export_saved_model(
        weights, output, warmup_sizes=(16,), max_pixels=MAX_PIXELS
    )
