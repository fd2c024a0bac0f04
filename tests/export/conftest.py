"""Tiny networks, and one export of them that the tests of this folder share."""

import pytest

from tf_edgeconnect.export.saved_model import export_saved_model

MAX_PIXELS = 90_000  # a warm-up of 256 x 256 fits, a request of 301 x 300 does not


@pytest.fixture(scope="session")
def weights(tiny_run):
    """A weights folder with both generators."""
    return tiny_run / "weights" / "joint"


@pytest.fixture(scope="session")
def inpainter(tiny_inpainter):
    """The networks as trained."""
    return tiny_inpainter


@pytest.fixture(scope="session")
def exported(weights, tmp_path_factory):
    """Version 1 of an export."""
    output = tmp_path_factory.mktemp("exported")
    return export_saved_model(
        weights, output, warmup_sizes=(16,), max_megapixels=MAX_PIXELS / 1e6
    )
