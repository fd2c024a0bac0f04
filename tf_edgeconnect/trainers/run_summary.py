"""What `train --dry-run` says: config, steps, parameters, memory, data found."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.data.tfds import NotDownloaded
from tf_edgeconnect.models.footprint import count_parameters, training_bytes
from tf_edgeconnect.trainers.run_data import open_sources
from tf_edgeconnect.trainers.run_directory import check_directory
from tf_edgeconnect.trainers.run_networks import build_networks


def describe(
    stage: Stage, config: Config, run_dir: str | Path, say: Callable[[str], None]
) -> None:
    """Says what `train` would do, without training or writing anything.

    Args:
        stage: as `train` takes it.
        config: of the run.
        run_dir: of the run.
        say: takes lines.

    Raises:
        InputError: if the data is not there, or the run directory cannot be used.
    """
    settings = config.train.for_stage(stage)
    check_directory(Path(run_dir), config, fresh=False)
    say(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False).rstrip())
    say("")
    epoch_images = settings.steps * settings.batch_size
    say(
        f"stage {stage}: {settings.steps:,} steps of {settings.batch_size} photos, "
        f"{epoch_images:,} photos in all, into {run_dir}"
    )
    networks = build_networks(stage, config)
    for name, network in networks.items():
        count = count_parameters(network.trainable_variables)
        say(f"{name}: {count:,} parameters")
    at_once = settings.batch_size // settings.accumulate
    needed = training_bytes(networks, config.data.size, at_once)
    vgg = " (and VGG19)" if _uses_vgg(stage, config) else ""
    say(f"estimated memory: {needed / 1e9:.1f} GB for weights and activations{vgg}")
    try:
        with tempfile.TemporaryDirectory() as scans:
            open_sources(config, Path(scans), say, download=False)
    except NotDownloaded as error:
        say(f"data: {error}")


def _uses_vgg(stage: Stage, config: Config) -> bool:
    losses = config.losses
    return stage != "edge" and bool(losses.perceptual or losses.style)
