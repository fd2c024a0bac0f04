"""Checks on weights files: that they are there, can be read and fit."""

import os
from pathlib import Path

import keras

from tf_edgeconnect.doctor.findings import Finding
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import load_networks, read_meta, resolve
from tf_edgeconnect.models.vgg import vgg_features

# Where Keras keeps what it downloads.
VGG_CACHE = Path("models", "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5")


def check_vgg(weights: str) -> list[Finding]:
    """Finds VGG19 weights that cannot be loaded, or would have to be downloaded.

    Args:
        weights: `losses.vgg_weights`.
    """
    if weights == "imagenet":
        home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
        if (home / VGG_CACHE).is_file():
            return []
        what = "losses need VGG19, which Keras downloads (80 MB) when training starts"
        remedy = "without a network give a file: --set losses.vgg_weights=FILE"
        return [Finding("note", "vgg-download", what, remedy)]
    try:
        vgg_features(weights)
    except InputError as error:
        what, _, remedy = str(error).partition("; ")
        return [Finding("error", "vgg", what, remedy, (weights,))]
    return []


def check_model(model: Path) -> list[Finding]:
    """Finds a model whose weights cannot be loaded.

    Args:
        model: a run directory or a weights folder.
    """
    try:
        for folder in sorted(set(resolve(model).values())):
            load_networks(folder)
    except InputError as error:
        remedy = "choose another, or copy it again from where it was made"
        return [Finding("error", "model", str(error), remedy)]
    return []


def check_start(model: Path, networks: dict[str, keras.Model]) -> list[Finding]:
    """Finds a model that a run cannot start from.

    Args:
        model: what `--init-from` names.
        networks: of the run, by name.
    """
    if found := check_model(model):
        return found
    for name, folder in resolve(model).items():
        there = read_meta(folder)["networks"][name]
        here = getattr(networks.get(name), "architecture", there)
        differing = [
            f"{key} is {value} there, {here.get(key)} here"
            for key, value in there.items()
            if key != "initializer" and here.get(key) != value
        ]
        if differing:
            what = f"the {name.replace('_', ' ')} in {folder} is another network"
            remedy = f"{'; '.join(differing)}: change the model settings to match"
            found.append(Finding("error", "architecture", what, remedy))
    return found
