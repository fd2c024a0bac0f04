"""Layers, networks and metrics are ordinary Keras: one harness for all of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import tf_edgeconnect as ec
from tf_edgeconnect.layers import (
    InstanceNormalization,
    PushPullFill,
    ReflectionPadding2D,
    SpectralConv2D,
    SpectralConv2DTranspose,
)
from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.metrics.image import L1, Psnr
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.registration import CLASSES

ROOT = Path(__file__).parents[1]
SMALL = {"filters": 4, "residual_blocks": 1}


def one_layer(layer, channels=4):
    """A model of one layer; one that takes a mask gets the last channel as it."""
    inputs = keras.Input((None, None, channels))
    if isinstance(layer, PushPullFill):
        return keras.Model(inputs, layer(inputs[..., :-1], inputs[..., -1:]))
    return keras.Model(inputs, layer(inputs))


MODELS = {
    "padding": lambda: one_layer(ReflectionPadding2D(2)),
    "instance_norm": lambda: one_layer(InstanceNormalization(1e-3)),
    "push_pull": lambda: one_layer(PushPullFill(3)),
    "spectral": lambda: one_layer(SpectralConv2D(5, 3, activation="relu")),
    "spectral_transpose": lambda: one_layer(
        SpectralConv2DTranspose(5, 4, strides=2, padding="same", use_bias=False)
    ),
    "edges": lambda: ec.edge_generator(**SMALL),
    "quick_edges": lambda: ec.edge_generator(**SMALL, design="quick"),
    "inpaint": lambda: ec.inpaint_generator(**SMALL),
    "quick_inpaint": lambda: ec.inpaint_generator(**SMALL, design="quick"),
    "discriminator": lambda: ec.patch_discriminator(3, filters=4),
    "vgg": lambda: vgg_features("random", ["relu1_1", "relu2_1"]),
}
METRICS = [
    EdgeMetrics(threshold=0.25, bins=8, prefix="edge/", name="lines"),
    L1(name="one"),
    Psnr(dtype="float32"),
]


def trained(name):
    """The model after a call in training, which moves spectral norm's vectors."""
    keras.utils.set_random_seed(7)
    model = MODELS[name]()
    model(batch_for(model), training=True)
    return model


def batch_for(model):
    # The last channel of some is a mask: zeros and ones.
    shape = (2, 24, 24, model.input_shape[-1])
    batch = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    batch[..., -1] = batch[..., -1] > 0.5
    return batch


def answers(model):
    return [np.asarray(a) for a in keras.tree.flatten(model(batch_for(model)))]


def assert_same(model, other):
    names = [variable.path for variable in model.variables]
    assert len(names) == len(other.variables)
    for ours, theirs in zip(model.variables, other.variables, strict=True):
        assert np.array_equal(ours, theirs), ours.path
    for ours, theirs in zip(answers(model), answers(other), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """All models, each with the file it was saved to."""
    folder = tmp_path_factory.mktemp("keras")
    found = {}
    for name in MODELS:
        model = trained(name)
        model.save(folder / f"{name}.keras")
        found[name] = model, folder / f"{name}.keras"
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_comes_back_whole(saved, name):
    model, path = saved[name]
    again = keras.models.load_model(path)
    assert_same(model, again)
    assert [type(layer) for layer in again.layers] == [type(x) for x in model.layers]


@pytest.mark.parametrize("name", MODELS)
def test_a_config_and_a_clone_make_the_same_model(saved, name):
    model, _ = saved[name]
    for copy in (
        type(model).from_config(model.get_config()),
        keras.models.clone_model(model),
    ):
        copy.set_weights(model.get_weights())
        assert_same(model, copy)


@pytest.mark.parametrize("name", MODELS)
def test_a_summary_counts_all_parameters(saved, name):
    model, _ = saved[name]
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    assert f"Total params: {model.count_params():,}" in "".join(map(str, lines))


@pytest.mark.parametrize("name", [name for name in MODELS if name != "vgg"])
def test_mixed_precision_keeps_weights_in_float32_and_survives_saving(name, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = trained(name)
    finally:
        keras.config.set_dtype_policy(before)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert all(variable.dtype == "float32" for variable in again.variables)
    policies = {layer.dtype_policy.name for layer in again.layers}
    assert "mixed_bfloat16" in policies
    for ours, theirs in zip(answers(model), answers(again), strict=True):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


FRESH = """
import sys
from pathlib import Path

{imports}
import numpy as np

for path in map(Path, sys.argv[1:]):
    model = keras.models.load_model(path)
    given = np.load(path.with_suffix(".npz"))
    got = keras.tree.flatten(model(given["batch"]))
    for index, answer in enumerate(got):
        assert np.array_equal(answer, given[str(index)]), path
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import tf_edgeconnect as ec, keras",
        "import keras, tf_edgeconnect as ec",
        "import tf_edgeconnect as ec, tensorflow as tf\nkeras = tf.keras",
    ],
)
def test_a_fresh_process_needs_the_import_alone(saved, imports):
    files = []
    for model, path in saved.values():
        found = {str(i): answer for i, answer in enumerate(answers(model))}
        np.savez(path.with_suffix(".npz"), batch=batch_for(model), **found)
        files.append(path)
    done = subprocess.run(
        [sys.executable, "-c", FRESH.format(imports=imports), *map(str, files)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_registered_class_is_in_the_list():
    marked = re.compile(
        r'register_keras_serializable\("tf_edgeconnect"\)\n(?:@.+\n)*class (\w+)'
    )
    package = ROOT / "tf_edgeconnect"
    found = {
        ".".join(path.relative_to(package).with_suffix("").parts): set(names)
        for path in package.rglob("*.py")
        if (names := marked.findall(path.read_text(encoding="utf-8")))
    }
    assert found == {module: set(names) for module, names in CLASSES.items()}


def test_registering_imports_none_of_the_classes(fresh_python):
    # One of their modules may be the one that imports Keras: a circle otherwise.
    script = (
        "import sys, tf_edgeconnect, keras\n"
        "found = [n for n in sys.modules if n.startswith('tf_edgeconnect.')]\n"
        "assert not [n for n in found if n.count('.') > 1], found"
    )
    fresh_python(script)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
def test_a_metric_comes_back_from_its_config(metric):
    config = keras.saving.serialize_keras_object(metric)
    assert config["registered_name"] == f"tf_edgeconnect>{type(metric).__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
