"""Trains a stage of a run: config, run directory, data, networks, trainer, loop.

Only this module and its neighbours `run_*.py` see a config object. A run directory
holds `config.yaml`, `checkpoints/<stage>/`, `weights/<stage>/`, `logs/<stage>/`
(TensorBoard), `samples/` and `metrics.jsonl`. The same command continues where it
stopped.
"""

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
from tf_edgeconnect.trainers.run_data import RunData, first_examples
from tf_edgeconnect.trainers.run_directory import (
    Checkpoints,
    check_directory,
    save_settings,
    writing,
)
from tf_edgeconnect.trainers.run_loop import Outcome, StageLoop
from tf_edgeconnect.trainers.run_networks import (
    RateSchedule,
    build_networks,
    build_trainer,
    load_earlier_weights,
)
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
        run_dir: created if missing; the same folder for all workers.
        init_from: a run directory or weights folder to start from, at step 0.
        strategy: "auto": all workers if `TF_CONFIG` names several, else all GPUs if
            there are several.
        data_service: `host:port` of a tf.data service whose workers make the training
            examples.
        fresh: require a run directory that is missing or empty.
        profile: write a TensorBoard profile of steps 6 to 15 of this call.

    Returns:
        FINISHED, or SAVED after SIGTERM or Ctrl-C; the same command then continues.

    Raises:
        InputError: for anything that the user can correct.
        WorkerLost: if another worker ended; start all of them again.
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
    keras.utils.set_random_seed(config.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()
    schedule = RateSchedule(settings)
    with workers.strategy.scope():
        trainer = build_trainer(stage, config, build_networks(stage, config))
        checkpoints = Checkpoints(
            run_dir / "checkpoints" / stage,
            trainer,
            schedule.state,
            settings.keep_checkpoints,
        )
    step = checkpoints.restore()
    workers.agree(
        step,
        f"the workers find different checkpoints in {run_dir}: all of them must share "
        "this folder",
    )
    writer = RunWriter(
        stage, step, settings.steps, settings.batch_size, quiet=not workers.is_chief
    )
    weights = run_dir / "weights" / stage
    known = read_meta(weights) if step and weights.is_dir() else {}
    if known:
        if init_from is not None and str(init_from) != known.get("init_from"):
            writer.say(
                f"warning: --init-from {init_from} is ignored: it applies only at step "
                "0, and this stage continues from its checkpoint"
            )
        # Where the stage began stays on record.
        init_from = known.get("init_from")

    def publish(step: int) -> None:
        meta = dict(
            stage=stage,
            step=step,
            sigma=config.edge.sigma,
            size=config.data.size,
            source=f"trained on {config.data.train}",
            init_from=None if init_from is None else str(init_from),
            ema=config.train.ema,
        )
        with trainer.averages.in_place(), writing(weights, step):
            save_networks(weights, trainer.networks, meta)

    if step >= settings.steps:
        if workers.is_chief and known.get("step") != step:
            publish(step)
        writer.say(
            f"{stage}: finished at step {step}; to train longer, run the same command "
            f"with --set train.steps.{stage}={2 * step}"
        )
        return Outcome.FINISHED
    if step:
        writer.say(f"{stage}: continues at step {step} of {settings.steps}")
    else:
        load_earlier_weights(stage, trainer.networks, run_dir, init_from, writer.say)
        trainer.averages.restart()
    if stage != "edge" and not (config.losses.uses_vgg or config.losses.lpips):
        writer.say(
            f"{stage}: losses.perceptual and losses.style are 0, so VGG19 is not used "
            "and fills are smoother; to turn them on: --set losses.perceptual=0.1 "
            "--set losses.style=250 (Keras downloads VGG19, or --set "
            "losses.vgg_weights=FILE)"
        )
    with workers.chief_first():  # it leaves its scan for the others
        data = RunData(config, run_dir, writer.say)
    workers.agree(
        data.training.fingerprint() + data.held_out.fingerprint(),
        "the workers find different photos: all of them must see the same photos "
        "under the same paths",
    )
    shown = first_examples(data.validation_batches(), SHEET_ROWS)
    sheets = SampleSheets(shown, run_dir / "samples", stage)
    sheets.set_model(trainer)
    loop = StageLoop(
        trainer,
        workers,
        settings,
        schedule,
        checkpoints,
        writer,
        data,
        sheets,
        publish=publish,
        start=step,
        run_dir=run_dir,
        data_service=data_service,
        profile_dir=run_dir / "logs" / stage if profile and workers.is_chief else None,
    )
    if workers.is_chief:  # nothing can be wrong any more
        photos = {"training": data.training, "validation": data.held_out}
        save_settings(run_dir, config, photos, writer.say, checkpoints.latest_step)
        with writing(run_dir, checkpoints.latest_step):
            writer.open(run_dir)
    with writer:
        outcome = loop.run()
    if outcome is Outcome.SAVED:
        writer.say(f"{stage}: saved, not finished; the same command continues")
        return outcome
    for word, at in (("at the start", 0), ("at the end", settings.steps)):
        if figures := writer.figures_of(at):
            said = describe_validation(figures)
            writer.say(f"{stage}, held-out photos {word}: {said}")
    writer.say(f"{stage}: finished; weights in {weights}")
    return outcome


def describe(
    stage: Stage, config: Config, run_dir: str | Path, say: Callable[[str], None]
) -> None:
    """Describes what `train` would do, without training or writing anything.

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
    vgg = " (and VGG19)" if stage != "edge" and config.losses.uses_vgg else ""
    say(f"estimated memory: {needed / 1e9:.1f} GB for weights and activations{vgg}")
    try:
        with tempfile.TemporaryDirectory() as scans:
            RunData(config, Path(scans), say, download=False)
    except NotDownloaded as error:
        say(f"data: {error}")
