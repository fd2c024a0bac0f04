"""Checks a run before it starts, or the directory of one that stopped."""

import functools
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import STAGES, Config, Stage, load_config
from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.images import crop_resize, square, to_gray
from tf_edgeconnect.data.samples import SampleSource
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.sources import open_both, open_source
from tf_edgeconnect.data.tfds import NotDownloaded
from tf_edgeconnect.doctor import Report, Track, files, untracked
from tf_edgeconnect.edges.exact import NO_EDGES, inference_edges, inference_sigma
from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.inference.loading import is_weights, load_backend
from tf_edgeconnect.metrics.lpips import lpips_model
from tf_edgeconnect.models.footprint import training_bytes
from tf_edgeconnect.models.storage import (
    differences,
    load_networks,
    read_meta,
    resolve,
)
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.stages import PUBLISHED_STAGES

AGAIN = "run the same train command again"
Networks = Callable[[Stage, Config], dict[str, keras.Model]]


def check_training(
    report: Report,
    config: Config,
    networks: Networks,
    *,
    init_from: Path | None = None,
    gpu_missed: bool = False,
    sample: int = 1000,
    track: Track = untracked,
) -> None:
    """Checks a run before it starts.

    Args:
        report: takes the findings.
        config: of the run.
        networks: builds those of a stage.
        init_from: a run or weights folder to start from.
        gpu_missed: whether there is a GPU that TensorFlow cannot use.
        sample: how many photos and masks to read, of each kind; 0 for all.
        track: shows progress.
    """
    _check_photos(report, config, sample, track)
    if config.mask.kinds.get("external") and config.mask.folder:
        with report.refusal("no-masks", "training stops; change mask.folder"):
            files.check_masks(report, Path(config.mask.folder), sample, track)
    _check_machine(report, config, networks, gpu_missed)
    losses = config.losses
    # Keras downloads those of ImageNet when training starts.
    if losses.uses_vgg and losses.vgg_weights != "imagenet":
        with report.refusal("vgg", "training stops; change losses.vgg_weights"):
            vgg_features(losses.vgg_weights)
    if losses.lpips and losses.lpips_weights is not None:
        with report.refusal("lpips", "training stops; change losses.lpips_weights"):
            lpips_model(losses.lpips_weights)
    elif losses.lpips:
        what = "losses.lpips needs losses.lpips_weights, which is not set"
        report.add("error", "lpips", what, "the inpaint stages stop; set it to a file")
    if init_from is not None:
        _check_start(report, init_from, networks("joint", config))


def _check_photos(report: Report, config: Config, sample: int, track: Track) -> None:
    data = config.data
    unreadable: list[tuple[str, str]] = []

    def scan(spec: str, name: str) -> Source:
        source = open_source(spec, max_bad_fraction=1, download=False)
        unreadable.extend(source.report.unreadable)
        return source

    try:
        training, held_out, how = open_both(
            data.train, data.val, data.val_fraction, config.seed, scan
        )
    except NotDownloaded as error:
        report.add("note", "not-downloaded", str(error), "run doctor again after that")
        return
    except InputError as error:
        remedy = "training stops; name other photos with --data"
        report.add("error", "no-photos", str(error), remedy)
        return
    report.facts.append(
        f"{len(training)} photos from {data.train}; for validation {len(held_out)} "
        f"({how})"
    )
    if isinstance(training, SampleSource):
        return  # they ship inside scikit-image, and are as they should be
    sources = list(dict.fromkeys([training, held_out]))
    for source in sources:
        places = {source.key(index): index for index in range(len(source))}
        contents = functools.partial(_contents, source, places)
        photos = files.read_photos(list(places), contents, sample, track)
        report.facts.append(f"read {len(photos)} of {len(source)} photos")
        files.check_training_photos(
            report, photos, unreadable, data.max_bad_fraction, data.size
        )
        unreadable = []
        sound = {p.name: places[p.name] for p in photos if not p.failure}
        if config.edge.source == "canny":
            _check_edges(report, config, source, sound, track)
    if config.edge.source == "external":
        remedy = "training stops; change edge.folder or edge.source"
        with report.refusal("edge-maps", remedy):
            maps = EdgeOptions(config.edge.sigma, config.edge.folder)
            for source in sources:
                pair_edges(source, maps)


def _contents(source: Source, places: dict[str, int], name: str) -> bytes:
    return source.encoded(places[name]).contents


def _check_edges(
    report: Report,
    config: Config,
    source: Source,
    places: dict[str, int],
    track: Track,
) -> None:
    """Finds photos in which Canny sees nothing."""
    if config.edge.sigma == NO_EDGES:
        return
    names = {place: name for name, place in places.items()}
    sigma = inference_sigma(config.edge.sigma)
    counts = _edge_counts(source, list(names), sigma, config.data.size)
    counted = track(counts, "finding edges", total=len(names))
    empty = [names[place] for place, count in counted if not count]
    files.add_files(report, "no-edges", empty, len(names))


def _edge_counts(
    source: Source, places: Sequence[int], sigma: float, size: int
) -> Iterator[tuple[int, int]]:
    """Yields (place, edge pixels) of the centre square of each photo that decodes."""
    count = _counter(sigma)

    def look(index: tf.Tensor) -> tf.Tensor:
        photo = source.read(index)
        box = square(tf.shape(photo), size, "center", tf.zeros(2, tf.int32))
        return index, count(to_gray(crop_resize(photo, box, size)))

    dataset = tf.data.Dataset.from_tensor_slices(np.array(places, np.int64))
    counts = dataset.map(look, tf.data.AUTOTUNE).ignore_errors(log_warning=False)
    return counts.as_numpy_iterator()


@functools.cache
def _counter(sigma: float) -> Callable[[tf.Tensor], tf.Tensor]:
    # One for all sources: tracing Canny takes seconds.
    return tf.function(lambda gray: tf.math.count_nonzero(inference_edges(gray, sigma)))


def _check_machine(
    report: Report, config: Config, networks: Networks, gpu_missed: bool
) -> None:
    """Compares the memory that the largest stage takes with what there is."""
    needed = 0
    for stage in PUBLISHED_STAGES:
        settings = config.train.for_stage(stage)
        at_once = settings.batch_size // settings.accumulate
        built = networks(stage, config)
        needed = max(needed, training_bytes(built, config.data.size, at_once))
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = ", ".join(each.get("device_name", "unnamed") for each in details)
    report.facts += [
        f"GPU: {names or 'none, training runs on the CPU'}",
        f"memory: about {needed / 1e9:.1f} GB for weights and activations",
    ]
    if gpu_missed:
        what = "this machine has an NVIDIA driver, but TensorFlow finds no GPU"
        remedy = "pip install 'tf-edgeconnect[gpu]' adds what is missing"
        report.add("warning", "gpu", what, remedy)
    there = _gpu_memory() if gpus else _memory()
    if there is not None and needed > there:
        what = f"training takes some {needed / 1e9:.1f} GB, there are {there / 1e9:.1f}"
        remedy = "lower train.batch_size, data.size or model.filters"
        report.add("error", "memory", what, remedy)


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _gpu_memory() -> int | None:
    """Bytes of the smallest GPU; None where nvidia-smi does not say."""
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20)
        return min(int(line) for line in answer.stdout.split()) * 2**20
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def check_model(report: Report, model: str | Path) -> bool:
    """Loads a model, or connects to a server; returns whether that succeeded."""
    with report.refusal("model", "choose another, or copy it again"):
        if is_weights(model):
            for folder in sorted(set(resolve(model).values())):
                load_networks(folder)
        else:
            load_backend(model)
        return True
    return False


def _check_start(report: Report, model: Path, networks: dict[str, keras.Model]) -> None:
    """Finds networks of another architecture than those of the run."""
    if not check_model(report, model):
        return
    for name, folder in resolve(model).items():
        there = read_meta(folder)["networks"][name]
        here = getattr(networks.get(name), "architecture", there)
        if differing := differences(there, here):
            what = f"the {name.replace('_', ' ')} in {folder} is another network"
            remedy = (
                f"{'; '.join(differing)}: change model.filters, model.residual_blocks "
                "or model.design to match"
            )
            report.add("error", "architecture", what, remedy)


def check_run(report: Report, run_dir: Path) -> None:
    """Checks the settings, checkpoints and weights of a run directory.

    Raises:
        InputError: it is no run directory.
    """
    saved = run_dir / "config.yaml"
    if not saved.is_file():
        raise InputError(f"{run_dir} is no run directory: it has no config.yaml")
    config = None
    remedy = "correct the line, or copy the config the run was started with"
    with report.refusal("run-config", remedy):
        config = load_config(saved)
    stages = [name for name in STAGES if (run_dir / "checkpoints" / name).is_dir()]
    if not stages:
        report.add("error", "no-checkpoint", f"{run_dir} holds no checkpoint", AGAIN)
    for stage in stages:
        step = _check_checkpoints(report, run_dir / "checkpoints" / stage)
        steps = "" if config is None else f" of {config.train.for_stage(stage).steps}"
        report.facts.append(f"{stage}: newest checkpoint of step {step}{steps}")
        _check_weights(report, run_dir / "weights" / stage, step)


def _check_checkpoints(report: Report, folder: Path) -> int | None:
    """Finds checkpoints that lack files or cannot be read; returns the newest step."""
    state = tf.train.get_checkpoint_state(str(folder))
    if state is None:
        report.add(
            "error", "checkpoint", f"no checkpoint in {folder}", "remove it, then train"
        )
        return None
    names = [Path(path).name for path in state.all_model_checkpoint_paths]
    complete = {file.stem for file in folder.glob("*.data-*")}
    lacking = [name for name in names if name not in complete]
    if lacking:
        what = f"checkpoints in {folder} that lack files"
        remedy = "copy the folder again, or remove them and their lines in `checkpoint`"
        report.add("error", "checkpoint-files", what, remedy, lacking)
    newest = Path(state.model_checkpoint_path)
    if newest.name not in lacking and (reason := _damage(newest)):
        what = f"checkpoint {newest} {reason}"
        remedy = f"name the one before in {folder}/checkpoint, then {AGAIN}"
        report.add("error", "checkpoint-damage", what, remedy)
    return int(newest.name.rpartition("-")[2])


def _damage(path: Path) -> str:
    """Reads every value of a checkpoint, which checks their checksums."""
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            values = np.asarray(reader.get_tensor(name))
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                return f"holds NaN or infinite values ({name})"
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        return f"cannot be read ({one_line(error)})"
    return ""


def _check_weights(report: Report, folder: Path, newest: int | None) -> None:
    if not folder.is_dir():
        what = f"{folder} is missing, though its stage has checkpoints"
        report.add("warning", "no-weights", what, f"{AGAIN}: it writes them")
    elif check_model(report, folder) and newest is not None:
        step = read_meta(folder).get("step")
        if step != newest:
            what = f"weights in {folder} are of step {step}, its checkpoint of {newest}"
            remedy = f"inpaint and export take the weights; {AGAIN} to refresh them"
            report.add("warning", "stale-weights", what, remedy)
