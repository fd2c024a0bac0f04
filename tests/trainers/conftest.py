"""Small networks and batches for training tests."""

import keras
import numpy as np
import pytest

from tests.trainers.tiny_run import tiny_vgg, without_graph_optimizer
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator

SIZE = 24  # the smallest that the patch discriminator takes


@pytest.fixture(scope="module", autouse=True)
def fast_tracing():
    """Graphs of tests are small and run a few times."""
    with without_graph_optimizer():
        yield


@pytest.fixture(scope="session")
def features() -> keras.Model:
    """Random features, which nothing changes."""
    return tiny_vgg()


@pytest.fixture
def batch():
    """Four examples of noise with sparse edges and half a hole, from a fixed seed."""
    rng = np.random.default_rng(0)
    shape = (4, SIZE, SIZE)
    examples = {
        "image": rng.random((*shape, 3)),
        "gray": rng.random((*shape, 1)),
        "edge": rng.random((*shape, 1)) < 0.1,
        "mask": np.broadcast_to(np.arange(SIZE) < SIZE // 2, shape)[..., None],
    }
    return {name: value.astype(np.float32) for name, value in examples.items()}


@pytest.fixture
def networks():
    """Builds the networks of any stage, the same ones at each call."""

    def make(*names: str) -> dict[str, keras.Model]:
        keras.utils.set_random_seed(1)
        builders = {
            "edge_generator": lambda: edge_generator(4, 1, initializer="he"),
            "edge_discriminator": lambda: patch_discriminator(2, 4),
            "inpaint_generator": lambda: inpaint_generator(4, 1, initializer="he"),
            "inpaint_discriminator": lambda: patch_discriminator(3, 4),
        }
        made = {name: build() for name, build in builders.items()}
        return {name: made[name] for name in names}

    return make


@pytest.fixture
def values():
    """Copies variables into arrays."""
    return lambda variables: [np.array(v.numpy()) for v in variables]
