"""Wires a whole run: config, run directory, data, networks, trainer, loop.

Only this module and its neighbours `run_*.py` see a config object. A run directory
holds `config.yaml`, `checkpoints/<stage>/`, `weights/<stage>/`, `logs/<stage>/`
(TensorBoard), `samples/` and `metrics.jsonl`. The same command continues where it
stopped.
"""

import functools
from pathlib import Path

import keras
import tensorflow as tf

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.models.storage import read_meta, save_networks
from tf_edgeconnect.trainers.callbacks import SampleSheets
from tf_edgeconnect.trainers.checkpoints import Checkpoints, writing
from tf_edgeconnect.trainers.display import Display, describe_validation
from tf_edgeconnect.trainers.health import Health
from tf_edgeconnect.trainers.journal import Journal
from tf_edgeconnect.trainers.loop import Every, Outcome, StageLoop
from tf_edgeconnect.trainers.run_data import (
    BadPhotos,
    open_sources,
    sheet_examples,
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
from tf_edgeconnect.trainers.strategies import StrategyName, choose_strategy

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
    workers = choose_strategy(
        strategy,
        config.train.batch_size,
        accumulate=config.train.accumulate,
        jit_compile=config.train.jit_compile,
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

    with workers.strategy.scope():
        trainer = build_trainer(stage, config, build_networks(stage, config))
        schedule = build_schedule(settings)
        checkpoints = Checkpoints(
            run_dir / "checkpoints" / stage,
            trainer,
            schedule,
            settings.keep_checkpoints,
        )
    step = checkpoints.restore()
    workers.agree(
        step,
        f"the workers find different checkpoints in {run_dir}: it has to be one folder "
        "that all of them share",
    )
    display = Display(
        stage, step, settings.steps, settings.batch_size, quiet=not workers.is_chief
    )
    if step:
        # A stage goes on from its checkpoint; where it began stays on record.
        init_from = began_from(run_dir / "weights" / stage, init_from, display.say)
    publish = functools.partial(_publish, run_dir, stage, config, trainer, init_from)
    if step >= settings.steps:
        if workers.is_chief and _is_stale(run_dir / "weights" / stage, step):
            publish(step)
        display.say(
            f"{stage}: finished at step {step}; to train longer run the same command "
            f"with --set train.steps.{stage}={2 * step}"
        )
        return Outcome.FINISHED
    if step:
        display.say(f"{stage}: continues at step {step} of {settings.steps}")
    else:
        load_earlier_weights(stage, trainer.networks, run_dir, init_from, display.say)
        trainer.averages.restart()
    _say_left_out_losses(stage, config, display.say)

    with workers.chief_first():  # it leaves its scan for the others
        training, held_out = open_sources(config, run_dir, display.say)
    workers.agree(
        training.fingerprint() + held_out.fingerprint(),
        "the workers find different photos: all have to see the same ones, under the "
        "same paths",
    )
    sheets = SampleSheets(
        sheet_examples(config, held_out, SHEET_ROWS, run_dir),
        run_dir / "samples",
        stage,
    )
    sheets.set_model(trainer)
    distribute = workers.strategy.distribute_datasets_from_function
    start = step * settings.batch_size
    batches = distribute(
        lambda at: training_batches(config, training, start, at, run_dir, data_service)
    )
    validation = distribute(
        lambda at: validation_batches(config, held_out, at, run_dir)
    )
    journal = None
    if workers.is_chief:
        # Only now: nothing that a user gets wrong is left to come.
        photos = {"training": training, "validation": held_out}
        save_settings(run_dir, config, photos, display.say)
        journal = Journal(run_dir, stage, step)
    loop = StageLoop(
        trainer=trainer,
        workers=workers,
        batches=batches,
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
        publish=publish,
        sheet=sheets.write,
        health=Health(config.losses.adversarial, step, settings.steps),
        bad_photos=BadPhotos(training, config, display.say),
        profile_dir=run_dir / "logs" / stage if profile and workers.is_chief else None,
    )
    with display:
        outcome = loop.run(step, settings.steps)
    if workers.is_chief:
        _say_outcome(display.say, outcome, stage, journal, settings.steps, run_dir)
    return outcome


def _is_stale(folder: Path, step: int) -> bool:
    return not folder.is_dir() or read_meta(folder).get("step") != step


def _publish(run_dir, stage, config, trainer, init_from, step) -> None:
    """Writes the weights folder of a stage, averaged weights where there are."""
    folder = run_dir / "weights" / stage
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


def _say_left_out_losses(stage: Stage, config: Config, say) -> None:
    if stage == "edge" or config.losses.perceptual or config.losses.style:
        return
    say(
        f"{stage}: losses.perceptual and losses.style are 0, so VGG19 is not needed "
        "and fills stay smoother; to switch them on: --set losses.perceptual=0.1 --set "
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
