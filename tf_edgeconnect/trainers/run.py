"""Wires a whole run: config, run directory, data, networks, trainer, loop.

Only this module and its neighbours `run_*.py` see a config object. A run directory
holds `config.yaml`, `checkpoints/<stage>/`, `weights/<stage>/`, `logs/<stage>/`
(TensorBoard), `samples/` and `metrics.jsonl`. The same command continues where it
stopped.
"""

import functools
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import (
    read_meta,
    save_networks,
)
from tf_edgeconnect.trainers.callbacks import SampleSheets
from tf_edgeconnect.trainers.checkpoints import Checkpoints, writing
from tf_edgeconnect.trainers.display import Display, describe_validation
from tf_edgeconnect.trainers.health import Health
from tf_edgeconnect.trainers.journal import Journal
from tf_edgeconnect.trainers.loop import Every, Outcome, StageLoop
from tf_edgeconnect.trainers.run_data import (
    BadPhotos,
    first_examples,
    open_sources,
    training_batches,
    validation_batches,
)
from tf_edgeconnect.trainers.run_directory import (
    began_from,
    check_directory,
    save_settings,
)
from tf_edgeconnect.trainers.run_networks import (
    build_networks,
    build_schedule,
    build_trainer,
    load_earlier_weights,
)

StrategyName = Literal["auto", "single", "mirrored"]
SHEET_ROWS = 6


def train(
    stage: Stage,
    config: Config,
    run_dir: str | Path,
    *,
    init_from: str | Path | None = None,
    strategy: StrategyName = "auto",
    fresh: bool = False,
    profile: bool = False,
) -> Outcome:
    """Trains one stage of a run, from its start or from its newest checkpoint.

    Args:
        stage: "edge", "inpaint", "edge-inpaint" or "joint".
        config: of the run; saved in it.
        run_dir: made if missing.
        init_from: a run directory or weights folder to start from, at step 0.
        strategy: "auto" takes all GPUs where there are several.
        fresh: insist on a run directory that is missing or empty.
        profile: write a TensorBoard profile of steps 6 to 15 of this call.

    Returns:
        FINISHED, or SAVED after SIGTERM or Ctrl-C; the same command then continues.

    Raises:
        InputError: for anything that the user can put right.
    """
    run_dir = Path(run_dir)
    settings = config.train.for_stage(stage)
    chosen = choose_strategy(strategy, settings.batch_size)
    check_directory(run_dir, config, fresh)
    keras.utils.set_random_seed(config.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()

    with chosen.scope():
        trainer = build_trainer(stage, config, build_networks(stage, config))
        schedule = build_schedule(settings)
        checkpoints = Checkpoints(
            run_dir / "checkpoints" / stage,
            trainer,
            schedule,
            settings.keep_checkpoints,
        )
    step = checkpoints.restore()
    display = Display(stage, step, settings.steps, settings.batch_size)
    if step:
        # A stage goes on from its checkpoint; where it began stays on record.
        init_from = began_from(run_dir / "weights" / stage, init_from, display.say)
    if step >= settings.steps:
        _publish(run_dir, stage, config, trainer, step, init_from, only_if_stale=True)
        display.say(
            f"{stage}: finished at step {step}; to train longer run the same command "
            f"with --set train.steps.{stage}={2 * step}"
        )
        return Outcome.FINISHED
    if step:
        display.say(f"{stage}: continues at step {step} of {settings.steps}")
    else:
        load_earlier_weights(stage, trainer.networks, run_dir, init_from, display.say)
        trainer.restart_averages()
    _say_left_out_losses(stage, config, display.say)

    training, held_out = open_sources(config, run_dir, display.say)
    validation = validation_batches(config, held_out, chosen.num_replicas_in_sync)
    training_stream = training_batches(config, training, step * settings.batch_size)
    # Only now: nothing that a user gets wrong is left to come.
    photos = {"training": training, "validation": held_out}
    save_settings(run_dir, config, photos, display.say)
    journal = Journal(run_dir, stage, step)
    sheets = SampleSheets(
        first_examples(validation, SHEET_ROWS), run_dir / "samples", stage
    )
    sheets.set_model(trainer)
    loop = StageLoop(
        trainer=trainer,
        strategy=chosen,
        batches=training_stream,
        held_out=validation,
        schedule=schedule,
        checkpoints=checkpoints,
        journal=journal,
        display=display,
        every=Every(
            settings.log_every,
            settings.validate_every,
            settings.sample_every,
            settings.checkpoint_every,
        ),
        run_dir=run_dir,
        publish=lambda at: _publish(run_dir, stage, config, trainer, at, init_from),
        sheet=sheets.write,
        health=Health(config.losses.adversarial, step, settings.steps),
        bad_photos=BadPhotos(training, config, display.say),
        profile_dir=run_dir / "logs" / stage if profile else None,
    )
    with display:
        outcome = loop.run(step, settings.steps)
    _say_outcome(display.say, outcome, stage, journal, settings.steps, run_dir)
    return outcome


def choose_strategy(name: StrategyName, batch_size: int) -> tf.distribute.Strategy:
    """Turns the word into a strategy.

    Raises:
        InputError: if there is nothing to mirror over, or the batch does not divide.
    """
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if name == "single" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if len(devices) < 2:
        raise InputError(
            "--strategy mirrored needs two GPUs or more, and TensorFlow finds "
            f"{len(gpus)}; use --strategy single"
        )
    if batch_size % len(devices):
        raise InputError(
            f"train.batch_size {batch_size} does not divide over {len(devices)} "
            f"devices; take a multiple of {len(devices)}"
        )
    return _mirrored(tuple(device.name for device in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    # One for all stages of a process: a second one would number its collective
    # operations from the start again, and TensorFlow 2.21 takes them for the first's.
    return tf.distribute.MirroredStrategy(devices)


def _publish(
    run_dir, stage, config, trainer, step, init_from, *, only_if_stale=False
) -> None:
    """Writes the weights folder of a stage, averaged weights where there are."""
    folder = run_dir / "weights" / stage
    if only_if_stale and folder.is_dir() and read_meta(folder).get("step") == step:
        return
    meta = dict(
        stage=stage,
        step=step,
        sigma=config.edge.sigma,
        size=config.data.size,
        source=f"trained on {config.data.train}",
        init_from=None if init_from is None else str(init_from),
        ema=config.train.ema,
    )
    with trainer.averaged_weights(), writing(folder, step):
        save_networks(folder, trainer.networks, meta)


def _say_left_out_losses(stage: Stage, config: Config, say) -> None:
    off = [
        f"losses.{name}"
        for name in ("perceptual", "style")
        if not getattr(config.losses, name)
    ]
    if stage == "edge" or not off:
        return
    say(
        f"{stage}: {' and '.join(off)} are 0, so VGG19 is not needed and fills stay "
        "smoother; to switch them on: --set losses.perceptual=0.1 --set "
        "losses.style=250 (Keras downloads VGG19, or --set losses.vgg_weights=FILE)"
    )


def _say_outcome(say, outcome, stage, journal, steps, run_dir) -> None:
    if outcome is Outcome.SAVED:
        say(f"{stage}: saved, not finished; the same command continues")
        return
    for word, step in (("at the start", 0), ("at the end", steps)):
        figures = journal.figures(step)
        if figures:
            say(f"{stage}, held-out photos {word}: {describe_validation(figures)}")
    say(f"{stage}: finished; weights in {run_dir / 'weights' / stage}")
