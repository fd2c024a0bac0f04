"""A config's networks, trainer and schedule, and the weights they start from."""

from collections.abc import Callable
from pathlib import Path

import keras

from tf_edgeconnect.config import Config, Stage, TrainConfig
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import STAGES, load_weights, read_meta, resolve
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.adversarial import ADAM, AdversarialTrainer
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintLosses, InpaintTrainer
from tf_edgeconnect.trainers.joint import JointTrainer
from tf_edgeconnect.trainers.schedule import RateSchedule


def build_networks(stage: Stage, config: Config) -> dict[str, keras.Model]:
    """Builds the networks of a stage with fresh weights, by name."""
    model = config.model
    shared = dict(
        filters=model.filters,
        residual_blocks=model.residual_blocks,
        hole_fill=model.hole_fill,
        initializer=model.initializer,
    )
    networks = {}
    if stage != "inpaint":
        networks["edge_generator"] = edge_generator(**shared)
    if stage == "edge" or (stage == "joint" and config.joint.keep_edge_discriminator):
        networks["edge_discriminator"] = patch_discriminator(
            2, model.filters, name="edge_discriminator"
        )
    if stage != "edge":
        networks["inpaint_generator"] = inpaint_generator(
            **shared,
            mask_channel=model.mask_channel,
            normalization=model.normalization,
        )
        networks["inpaint_discriminator"] = patch_discriminator(
            3, model.filters, name="inpaint_discriminator"
        )
    return networks


def build_trainer(
    stage: Stage, config: Config, networks: dict[str, keras.Model]
) -> AdversarialTrainer:
    """Builds and compiles the trainer of a stage.

    Raises:
        InputError: if a loss needs VGG weights that cannot be had.
    """
    losses, settings = config.losses, config.train.for_stage(stage)
    shared = dict(edge_threshold=settings.edge_threshold, ema=settings.ema)
    edge_losses = EdgeLosses(
        losses.adversarial, losses.edge_adversarial, losses.feature_matching
    )
    if stage == "edge":
        trainer = EdgeTrainer(**networks, losses=edge_losses, **shared)
    else:
        inpaint_losses = InpaintLosses(
            losses.adversarial,
            losses.inpaint_adversarial,
            losses.l1,
            losses.perceptual,
            losses.style,
            vgg=_vgg(config),
        )
        if stage == "joint":
            trainer = JointTrainer(
                **networks, losses=inpaint_losses, edge_losses=edge_losses, **shared
            )
        else:
            trainer = InpaintTrainer(**networks, losses=inpaint_losses, **shared)
    rate = settings.learning_rate
    trainer.compile(
        keras.optimizers.Adam(rate, **ADAM),
        keras.optimizers.Adam(rate * settings.discriminator_rate, **ADAM),
    )
    return trainer


def _vgg(config: Config) -> keras.Model | None:
    if not (config.losses.perceptual or config.losses.style):
        return None
    return vgg_features(config.losses.vgg_weights)


def build_schedule(settings: TrainConfig) -> RateSchedule:
    """Builds the schedule of a stage from its resolved settings."""
    return RateSchedule(
        settings.learning_rate,
        discriminator_share=settings.discriminator_rate,
        kind=settings.schedule,
        at=settings.lower_at,
        by=settings.lower_by,
        patience=settings.patience,
    )


def load_earlier_weights(
    stage: Stage,
    networks: dict[str, keras.Model],
    run_dir: Path,
    init_from: str | Path | None,
    say: Callable[[str], None],
) -> None:
    """Starts networks from `--init-from`, else from earlier stages of the same run.

    Says where each came from, and warns where a stage that builds on another starts
    from scratch.

    Raises:
        InputError: if `init_from` is no model, or an architecture differs.
    """
    found = {}
    if init_from is not None:
        found = resolve(init_from)
    else:
        found = _earlier_stages(stage, run_dir)
    for name, network in networks.items():
        words = name.replace("_", " ")
        if name in found:
            folder, meta = found[name], read_meta(found[name])
            there, here = meta["networks"][name], dict(network.architecture)
            if _without_start(there) != _without_start(here):
                raise InputError(
                    f"the {words} in {folder} has another architecture ({there}) than "
                    f"this config ({here}): change the model settings to match"
                )
            load_weights(network, folder / f"{name}.weights.h5")
            say(f"{stage}: {words} starts from {folder} (step {meta.get('step')})")
        elif name == "edge_generator" and stage == "edge-inpaint":
            raise InputError(
                "stage edge-inpaint needs a trained edge generator, and "
                f"{init_from or run_dir} has none: train --stage edge first, or give "
                "--init-from a run or weights folder that has one"
            )
        elif stage == "joint" and name.endswith("generator"):
            say(
                f"warning: joint: {words} starts from scratch; joint is meant to "
                "fine-tune: train the stages edge and inpaint first, or --init-from"
            )
        else:
            say(f"{stage}: {words} starts from scratch")


def adopt_architecture(config: Config, init_from: str | Path) -> Config:
    """Returns the config with the model settings of a model to start from.

    Args:
        config: of the run.
        init_from: a run directory or weights folder.

    Raises:
        InputError: if it is none.
    """
    settings = {}
    for name, folder in resolve(init_from).items():
        if name.endswith("generator"):
            settings |= read_meta(folder)["networks"][name]
    model = config.model.model_copy(update=settings)
    return config.model_copy(update={"model": model})


def _without_start(architecture: dict) -> dict:
    # How weights began does not matter once others are loaded over them.
    return {k: v for k, v in architecture.items() if k != "initializer"}


def _earlier_stages(stage: Stage, run_dir: Path) -> dict[str, Path]:
    earlier = STAGES[: STAGES.index(stage)]
    if not any((run_dir / "weights" / name).is_dir() for name in earlier):
        return {}
    return resolve(run_dir, stages=earlier)
