"""A config's networks, trainer and learning rates, and the weights to start from."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_edgeconnect.config import Config, Stage, StageConfig
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.metrics.lpips import SMALLEST_SIDE, lpips_model
from tf_edgeconnect.models.generators import DESIGNS, OPTIONS
from tf_edgeconnect.models.storage import (
    BUILDERS,
    differences,
    load_weights,
    read_meta,
    resolve,
)
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.stages import STAGES, Design, HoleEdges
from tf_edgeconnect.trainers.adversarial import ADAM, AdversarialTrainer
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintTrainer, JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses


def build_networks(stage: Stage, config: Config) -> dict[str, keras.Model]:
    """Builds the networks of a stage with fresh weights, by name."""
    model, generator = config.model, config.model.model_dump()
    keeps = stage == "joint" and config.joint.keep_edge_discriminator
    arguments: dict[str, dict[str, Any]] = {}
    if stage != "inpaint":
        arguments["edge_generator"] = generator
    if (stage == "edge" or keeps) and _edge_losses(config).need_discriminator:
        arguments["edge_discriminator"] = dict(channels=2, filters=model.filters)
    if stage != "edge":
        arguments["inpaint_generator"] = generator
    if stage != "edge" and config.losses.inpaint_adversarial:
        arguments["inpaint_discriminator"] = dict(channels=3, filters=model.filters)
    networks = {}
    with _arithmetic(config):
        for name, each in arguments.items():
            # So that no two variables of a run have the same path; see `Checkpoints`.
            with keras.name_scope(name):
                networks[name] = BUILDERS[name](**each, name=name)
    return networks


@contextlib.contextmanager
def _arithmetic(config):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.train.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_trainer(
    stage: Stage, config: Config, networks: dict[str, keras.Model]
) -> AdversarialTrainer:
    """Builds and compiles the trainer of a stage.

    Raises:
        InputError: if a loss needs weights of VGG or LPIPS that are not available, or
            cannot be compiled.
    """
    losses, settings = config.losses, config.train.for_stage(stage)
    shared = dict(edge_threshold=settings.edge_threshold, ema=settings.ema)
    edge_losses = _edge_losses(config)
    if stage == "edge":
        trainer = EdgeTrainer(**networks, losses=edge_losses, **shared)
    else:
        inpaint_losses = InpaintLosses(
            adversarial=losses.adversarial,
            adversarial_weight=losses.inpaint_adversarial,
            l1_weight=losses.l1,
            perceptual_weight=losses.perceptual,
            style_weight=losses.style,
            focus=losses.focus,
            vgg=_vgg(config),
            feature_crop=losses.feature_crop,
            lpips_weight=losses.lpips,
            lpips=_lpips(config),
        )
        if stage == "joint":
            trainer = JointTrainer(
                **networks, losses=inpaint_losses, edge_losses=edge_losses, **shared
            )
        else:
            trainer = InpaintTrainer(
                **networks,
                losses=inpaint_losses,
                hole_edges=_hole_edges(stage, settings),
                **shared,
            )
    rate = settings.learning_rate
    adam = ADAM | dict(zip(("beta_1", "beta_2"), settings.betas, strict=True))
    trainer.compile(
        keras.optimizers.Adam(rate, **adam),
        keras.optimizers.Adam(rate * settings.discriminator_rate, **adam),
        accumulate=settings.accumulate,
        jit_compile=settings.jit_compile,
    )
    return trainer


def _edge_losses(config: Config) -> EdgeLosses:
    losses = config.losses
    return EdgeLosses(
        losses.adversarial,
        losses.edge_adversarial,
        losses.feature_matching,
        losses.edge_cross_entropy,
    )


def _vgg(config: Config) -> keras.Model | None:
    if not config.losses.uses_vgg:
        return None
    _check_pooling(config, "VGG")
    with _arithmetic(config):
        return vgg_features(config.losses.vgg_weights)


def _check_pooling(config: Config, network: str) -> None:
    if config.train.jit_compile and config.train.deterministic:
        raise InputError(
            "train.jit_compile and train.deterministic cannot be combined with "
            f"{network}: XLA has no deterministic gradient of its pooling; turn one of "
            "them off"
        )


def _lpips(config: Config) -> keras.Model | None:
    losses = config.losses
    if not losses.lpips:
        return None
    if losses.lpips_weights is None:
        raise InputError("losses.lpips needs --set losses.lpips_weights=FILE.npz")
    if min(config.data.size, losses.feature_crop or SMALLEST_SIDE) < SMALLEST_SIDE:
        raise InputError(
            f"losses.lpips needs data.size and losses.feature_crop to be "
            f"{SMALLEST_SIDE} or more"
        )
    _check_pooling(config, "LPIPS")
    with _arithmetic(config):
        return lpips_model(losses.lpips_weights)


def _hole_edges(stage: Stage, settings: StageConfig) -> dict[HoleEdges, float] | None:
    """Returns the hole edges of a stage with their weights; None: its default."""
    if settings.hole_edges is None:
        return None
    unknown = "predicted" if stage == "inpaint" else None
    kinds = {
        kind: weight
        for kind, weight in settings.hole_edges.items()
        if weight and kind != unknown
    }
    if not kinds:
        raise InputError(
            "stage inpaint has no edge generator, but train.hole_edges names only "
            "predicted: give canny or none a weight, or train --stage edge-inpaint"
        )
    return kinds


def load_earlier_weights(
    stage: Stage,
    networks: dict[str, keras.Model],
    run_dir: Path,
    init_from: str | Path | None,
    say: Callable[[str], None],
) -> None:
    """Starts networks from `--init-from`, else from earlier stages of the same run.

    Reports where each came from, and warns if a stage that builds on another starts
    from scratch.

    Raises:
        InputError: if `init_from` is no model, or an architecture differs.
    """
    earlier = STAGES[: STAGES.index(stage)]
    found = {}
    if init_from is not None:
        found = resolve(init_from)
    elif any((run_dir / "weights" / name).is_dir() for name in earlier):
        found = resolve(run_dir, stages=earlier)
    for name, network in networks.items():
        words = name.replace("_", " ")
        if name in found:
            folder, meta = found[name], read_meta(found[name])
            if differing := differences(meta["networks"][name], network.architecture):
                raise InputError(
                    f"the {words} in {folder} has another architecture than this "
                    f"config ({'; '.join(differing)}): change model.filters, "
                    "model.residual_blocks or model.design to match"
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
                f"warning: joint: {words} starts from scratch, but joint is for "
                "fine-tuning: train the stages edge and inpaint first, or use "
                "--init-from"
            )
        else:
            say(f"{stage}: {words} starts from scratch")


def adopt_architecture(config: Config, init_from: str | Path) -> Config:
    """Returns the config with the model settings of a model to start from.

    Args:
        config: of the run.
        init_from: a run directory or weights folder.

    Raises:
        InputError: if it is none, or of a design that is no setting.
    """
    model = config.model
    for name, folder in resolve(init_from).items():
        if name in OPTIONS:
            there = read_meta(folder)["networks"][name]
            sizes = {key: there[key] for key in ("filters", "residual_blocks")}
            design = _design(name, folder, there)
            model = model.model_copy(update={**sizes, "design": design})
    return config.model_copy(update={"model": model})


def _design(name: str, folder: Path, there: dict[str, Any]) -> Design:
    """Returns the design of a generator in a weights folder."""
    options = {key: there[key] for key in OPTIONS[name]}
    for design, chosen in DESIGNS.items():
        if not differences(options, {key: chosen[key] for key in options}):
            return design
    raise InputError(
        f"the {name.replace('_', ' ')} in {folder} mixes both designs ({options}): it "
        "fills holes, but training starts from a published or a quick one only"
    )


class RateSchedule:
    """Sets the generators' rate and the discriminators', a fixed multiple of it.

    The rates are constant, fall once each step of `train.lower_at` is done, or fall
    when the watched figure has not improved for `train.patience` validations.

    Args:
        settings: of the stage.
    """

    def __init__(self, settings: StageConfig):
        self._settings = settings
        self._applied: float | None = None
        # In a checkpoint, so that a resumed run lowers at the same validation; beside
        # the host, which reads it at each step.
        with tf.device("/CPU:0"):
            self.state = {
                "best": tf.Variable(float("inf"), trainable=False),
                "waited": tf.Variable(0, dtype=tf.int64, trainable=False),
                "lowered": tf.Variable(0, dtype=tf.int64, trainable=False),
            }

    def rate(self, step: int) -> float:
        """Returns the generators' rate for the step after `step` finished ones."""
        lowered = int(self.state["lowered"].numpy())
        if self._settings.schedule == "steps":
            lowered = sum(step >= at for at in self._settings.lower_at)
        return self._settings.learning_rate * self._settings.lower_by**lowered

    def apply(self, trainer: AdversarialTrainer, step: int) -> None:
        """Sets both optimizers' rates for the step after `step` finished ones."""
        rate = self.rate(step)
        if rate != self._applied:  # an assignment would wait for the device
            trainer.optimizer.learning_rate = rate
            ratio = self._settings.discriminator_rate
            trainer.discriminator_optimizer.learning_rate = rate * ratio
            self._applied = rate

    def observe(self, figure: float) -> bool:
        """Takes a validation figure, lower is better.

        Returns:
            Whether the rate was lowered because of it.
        """
        if self._settings.schedule != "plateau":
            return False
        best, waited = self.state["best"], self.state["waited"]
        if figure < float(best.numpy()):
            best.assign(figure)
            waited.assign(0)
            return False
        waited.assign_add(1)
        if int(waited.numpy()) < self._settings.patience:
            return False
        waited.assign(0)
        self.state["lowered"].assign_add(1)
        return True
