"""Wires a whole run: config, run directory, data, networks, trainer, loop.

Only this module and its neighbours `run_*.py` see a config object. A run directory
holds `config.yaml`, `checkpoints/<stage>/`, `weights/<stage>/`, `logs/<stage>/`
(TensorBoard), `samples/` and `metrics.jsonl`. The same command continues where it
stopped.
"""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
import yaml

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.data.tfds import NotDownloaded
from tf_edgeconnect.models.footprint import count_parameters, training_bytes
from tf_edgeconnect.models.storage import read_meta, save_networks
from tf_edgeconnect.trainers.callbacks import SampleSheets
from tf_edgeconnect.trainers.checkpoints import Checkpoints, writing
from tf_edgeconnect.trainers.health import Health
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
from tf_edgeconnect.trainers.run_loop import Outcome, StageLoop
from tf_edgeconnect.trainers.run_networks import (
    build_networks,
    build_trainer,
    load_earlier_weights,
)
from tf_edgeconnect.trainers.schedule import RateSchedule
from tf_edgeconnect.trainers.workers import StrategyName, choose_strategy
from tf_edgeconnect.trainers.writer import RunWriter, describe_validation

SHEET_ROWS = 6


def train(
    stage: Stage,
    config: Config,
    run_dir: str | Path,
    *,
    init_from: str | Path | None = None,
    strategy: StrategyName = "auto",
    data_service: str | None = None,
    fresh: bool = False,
    profile: bool = False,
) -> Outcome:
    """Trains one stage of a run, from its start or from its newest checkpoint.

    Args:
        stage: "edge", "inpaint", "edge-inpaint" or "joint".
        config: of the run; saved in it.
        run_dir: made if missing; the same folder for all workers.
        init_from: a run directory or weights folder to start from, at step 0.
        strategy: "auto" takes all workers where `TF_CONFIG` names several, else all
            GPUs where there are several.
        data_service: `host:port` of a tf.data service whose workers make the training
            examples.
        fresh: insist on a run directory that is missing or empty.
        profile: write a TensorBoard profile of steps 6 to 15 of this call.

    Returns:
        FINISHED, or SAVED after SIGTERM or Ctrl-C; the same command then continues.

    Raises:
        InputError: for anything that the user can put right.
        WorkerLost: if another worker ended; all have to be started again.
    """
    run_dir = Path(run_dir)
    settings = config.train
    workers = choose_strategy(
        strategy,
        settings.batch_size,
        accumulate=settings.accumulate,
        jit_compile=settings.jit_compile,
    )
    with workers.explained():
        check_directory(run_dir, config, fresh)
        workers.agree(
            f"{stage} {config.model_dump_json()}",
            "the workers have different settings: start all with the same command",
        )
        outcome = _train(
            stage, config, run_dir, workers, init_from, data_service, profile
        )
        workers.wait()  # for what the chief still writes
    return outcome


def _train(
    stage, config, run_dir, workers, init_from, data_service, profile
) -> Outcome:
    settings = config.train.for_stage(stage)
    weights = run_dir / "weights" / stage
    trainer, schedule, checkpoints = _build(stage, config, run_dir, workers)
    step = checkpoints.restore()
    workers.agree(
        step,
        f"the workers find different checkpoints in {run_dir}: it has to be one folder "
        "that all of them share",
    )
    writer = RunWriter(
        stage, step, settings.steps, settings.batch_size, quiet=not workers.is_chief
    )
    if step:
        # A stage goes on from its checkpoint; where it began stays on record.
        init_from = began_from(weights, init_from, writer.say)
    publish = functools.partial(_publish, weights, stage, config, trainer, init_from)
    if step >= settings.steps:
        stale = not weights.is_dir() or read_meta(weights).get("step") != step
        if workers.is_chief and stale:
            publish(step)
        writer.say(
            f"{stage}: finished at step {step}; to train longer run the same command "
            f"with --set train.steps.{stage}={2 * step}"
        )
        return Outcome.FINISHED
    if step:
        writer.say(f"{stage}: continues at step {step} of {settings.steps}")
    else:
        load_earlier_weights(stage, trainer.networks, run_dir, init_from, writer.say)
        trainer.averages.restart()
    if stage != "edge" and not (config.losses.perceptual or config.losses.style):
        writer.say(
            f"{stage}: losses.perceptual and losses.style are 0, so VGG19 is not "
            "needed and fills stay smoother; to switch them on: --set "
            "losses.perceptual=0.1 --set losses.style=250 (Keras downloads VGG19, or "
            "--set losses.vgg_weights=FILE)"
        )
    data = _open_data(
        stage, config, run_dir, workers, trainer, writer, step, data_service
    )
    loop = StageLoop(
        trainer,
        workers,
        settings,
        schedule,
        checkpoints,
        writer,
        Health(config.losses.adversarial, step, settings.steps),
        publish=publish,
        run_dir=run_dir,
        profile_dir=run_dir / "logs" / stage if profile and workers.is_chief else None,
        **data,
    )
    with writer:
        outcome = loop.run(step, settings.steps)
    if outcome is Outcome.SAVED:
        writer.say(f"{stage}: saved, not finished; the same command continues")
        return outcome
    for word, at in (("at the start", 0), ("at the end", settings.steps)):
        if figures := writer.figures_of(at):
            said = describe_validation(figures)
            writer.say(f"{stage}, held-out photos {word}: {said}")
    writer.say(f"{stage}: finished; weights in {weights}")
    return outcome


def _build(stage, config, run_dir, workers):
    """Builds what a checkpoint holds, and the checkpoints."""
    settings = config.train.for_stage(stage)
    keras.utils.set_random_seed(config.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    schedule = RateSchedule(
        settings.learning_rate,
        discriminator_rate=settings.discriminator_rate,
        kind=settings.schedule,
        at=settings.lower_at,
        by=settings.lower_by,
        patience=settings.patience,
    )
    folder = run_dir / "checkpoints" / stage
    with workers.strategy.scope():
        trainer = build_trainer(stage, config, build_networks(stage, config))
        checkpoints = Checkpoints(folder, trainer, schedule, settings.keep_checkpoints)
    return trainer, schedule, checkpoints


def _open_data(stage, config, run_dir, workers, trainer, writer, step, data_service):
    """Opens the photos for the loop; then the run directory, as nothing can be wrong.

    Returns:
        `batches_after`, `held_out`, `bad_photos` and `sheet` of `StageLoop`.
    """
    with workers.chief_first():  # it leaves its scan for the others
        training, held_out = open_sources(config, run_dir, writer.say)
    workers.agree(
        training.fingerprint() + held_out.fingerprint(),
        "the workers find different photos: all have to see the same ones, under the "
        "same paths",
    )
    shown = first_examples(validation_batches(config, held_out, run_dir), SHEET_ROWS)
    sheets = SampleSheets(shown, run_dir / "samples", stage)
    sheets.set_model(trainer)
    distribute = workers.strategy.distribute_datasets_from_function

    @functools.cache
    def batches_after(step: int):
        start = step * config.train.batch_size
        return distribute(
            lambda at: training_batches(
                config, training, run_dir, start, at, data_service
            )
        )

    data = dict(
        batches_after=batches_after,
        held_out=distribute(
            lambda at: validation_batches(config, held_out, run_dir, at)
        ),
        bad_photos=BadPhotos(training, config, writer.say),
        sheet=sheets.write,
    )
    batches_after(step)  # what is wrong with it shows now
    if workers.is_chief:
        photos = {"training": training, "validation": held_out}
        save_settings(run_dir, config, photos, writer.say)
        writer.open(run_dir)
    return data


def _publish(folder, stage, config, trainer, init_from, step) -> None:
    """Writes the weights folder of a stage, averaged weights where there are."""
    meta = dict(
        stage=stage,
        step=step,
        sigma=config.edge.sigma,
        size=config.data.size,
        source=f"trained on {config.data.train}",
        init_from=None if init_from is None else str(init_from),
        ema=config.train.ema,
    )
    with trainer.averages.in_place(), writing(folder, step):
        save_networks(folder, trainer.networks, meta)


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
    say(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    say(
        f"stage {stage}: {settings.steps:,} steps of {settings.batch_size} photos, "
        f"{settings.steps * settings.batch_size:,} photos in all, into {run_dir}"
    )
    networks = build_networks(stage, config)
    for name, network in networks.items():
        say(f"{name}: {count_parameters(network.trainable_variables):,} parameters")
    at_once = settings.batch_size // settings.accumulate
    needed = training_bytes(networks, config.data.size, at_once)
    uses_vgg = stage != "edge" and (config.losses.perceptual or config.losses.style)
    vgg = " (and VGG19)" if uses_vgg else ""
    say(f"estimated memory: {needed / 1e9:.1f} GB for weights and activations{vgg}")
    try:
        with tempfile.TemporaryDirectory() as scans:
            open_sources(config, Path(scans), say, download=False)
    except NotDownloaded as error:
        say(f"data: {error}")
