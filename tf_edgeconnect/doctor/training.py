"""Checks what a run is to be trained on, with and for, before it starts."""

from collections.abc import Callable
from pathlib import Path

import keras

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.index import open_both, open_source
from tf_edgeconnect.data.samples import SampleSource
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.tfds import NotDownloaded
from tf_edgeconnect.doctor import masks as mask_checks
from tf_edgeconnect.doctor import photos as photo_checks
from tf_edgeconnect.doctor import resources
from tf_edgeconnect.doctor.duplicates import check_duplicates
from tf_edgeconnect.doctor.edges import check_edge_maps, check_edges, without_edges
from tf_edgeconnect.doctor.findings import Checkup, Finding, Track, untracked
from tf_edgeconnect.doctor.settings import check_settings
from tf_edgeconnect.doctor.weights import check_start, check_vgg
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.footprint import (
    checkpoint_bytes,
    parameter_bytes,
    training_bytes,
)

MAIN_STAGES: tuple[Stage, ...] = ("edge", "inpaint", "joint")
Networks = Callable[[Stage, Config], dict[str, keras.Model]]


def check_training(
    config: Config,
    run_dir: Path,
    networks: Networks,
    *,
    init_from: Path | None = None,
    gpu_missed: bool = False,
    sample: int = 1000,
    track: Track = untracked,
) -> Checkup:
    """Checks a run that is to come.

    Args:
        config: of the run.
        run_dir: where it would live; need not exist.
        networks: builds those of a stage; the trainers' own function.
        init_from: a run or weights folder to start from.
        gpu_missed: whether there is a GPU that TensorFlow cannot use.
        sample: how many photos and masks to look into, of each kind; 0 for all.
        track: shows progress.
    """
    checkup = Checkup()
    checkup.add(check_settings(config))
    checkup.join(_check_photos(config, sample, track))
    if config.mask.kinds.get("external") and config.mask.folder:
        folder = Path(config.mask.folder)
        checkup.join(_check_masks(config, folder, sample, track))
    checkup.join(_check_machine(config, run_dir, networks, gpu_missed))
    if config.losses.perceptual or config.losses.style:
        checkup.add(check_vgg(config.losses.vgg_weights))
    if init_from is not None:
        checkup.add(check_start(init_from, networks("joint", config)))
    return checkup


def _check_photos(config: Config, sample: int, track: Track) -> Checkup:
    data, checkup = config.data, Checkup()
    folders = _folders(config)
    unreadable: list[tuple[str, str]] = []

    def scan(spec: str, name: str) -> Source:
        source = open_source(spec, max_bad_fraction=1, download=False)
        folder = folders[name == "val"]
        unreadable.extend((folder + bad, why) for bad, why in source.report.unreadable)
        return source

    try:
        training, held_out, how = open_both(
            data.train, data.val, data.val_fraction, config.seed, scan
        )
    except NotDownloaded as error:
        remedy = "run doctor again once it is there"
        checkup.add([Finding("note", "not-downloaded", str(error), remedy)])
        return checkup
    except InputError as error:
        remedy = "nothing can be trained on; mend it or name other photos with --data"
        checkup.add([Finding("error", "no-photos", str(error), remedy)])
        return checkup
    checkup.facts.append(
        f"{len(training)} photos from {data.train}; for validation {len(held_out)} "
        f"({how})"
    )
    if isinstance(training, SampleSource):
        return checkup  # they ship inside scikit-image, and are as they should be
    sides = [training] if held_out is training else [training, held_out]
    looked = []
    for source, folder in zip(sides, folders, strict=False):
        listed = photo_checks.photos_of(source, folder)
        looked.append(photo_checks.look_at(listed, sample, track))
    every = [photo for photos in looked for photo in photos]
    count = sum(photo.look is not None for photo in every)
    checkup.facts.append(f"looked into {count} of {len(every)} photos (--sample)")
    checkup.add(photo_checks.check_readable(every, unreadable, data.max_bad_fraction))
    checkup.add(photo_checks.check_sizes(every, data.size))
    checkup.add(photo_checks.check_kinds(every))
    if len(looked) == 2:
        checkup.add(check_duplicates(looked[0], looked[1], track))
    checkup.add(_check_edges(config, sides, looked, track))
    return checkup


def _folders(config: Config) -> tuple[str, str]:
    """What names of photos begin with: needed only where there are two sources."""
    train, val = config.data.train, config.data.val
    if val is None:
        return "", ""
    if Path(train).name != Path(val).name:
        train, val = Path(train).name, Path(val).name
    return f"{train}/", f"{val}/"


def _check_edges(
    config: Config,
    sides: list[Source],
    looked: list[list[photo_checks.Photo]],
    track: Track,
) -> list[Finding]:
    sigma = config.edge.sigma
    if config.edge.source == "external":
        options = EdgeOptions(sigma, config.edge.folder)
        return [found for side in sides for found in check_edge_maps(side, options)]
    empty, total = [], 0
    for source, photos in zip(sides, looked, strict=True):
        places = [i for i, p in enumerate(photos) if p.look and not p.look.failure]
        size = config.data.size
        empty += without_edges(source, photos, places, sigma, size, track)
        total += len(places)
    return check_edges(empty, total, sigma)


def _check_masks(config: Config, folder: Path, sample: int, track: Track) -> Checkup:
    mask = config.mask
    try:
        _, masks, checkup = mask_checks.examine(folder, sample, track)
    except InputError as error:
        remedy = "training refuses to start; mend mask.folder"
        return Checkup(findings=[Finding("error", "no-masks", str(error), remedy)])
    checkup.add(mask_checks.check_training_masks(masks, config.data.size))
    checkup.add(mask_checks.check_ratios(masks, mask.hole_ratio, "mask.hole_ratio"))
    return checkup


def _check_machine(
    config: Config, run_dir: Path, networks: Networks, gpu_missed: bool
) -> Checkup:
    """Counts what the three main stages take of memory (the most) and disk (all)."""
    memory = disk = 0
    for stage in MAIN_STAGES:
        built, settings = networks(stage, config), config.train.for_stage(stage)
        at_once = settings.batch_size // settings.accumulate
        needed = training_bytes(built, config.data.size, at_once)
        memory = max(memory, needed)
        disk += resources.stage_bytes(
            checkpoint_bytes(built, averaged=bool(settings.ema)),
            sum(map(parameter_bytes, built.values())),
            settings.keep_checkpoints,
            settings.steps // settings.sample_every,
            settings.steps // settings.log_every,
        )
    checkup = Checkup(
        [
            f"GPU: {resources.describe_devices()}",
            f"memory: about {memory / 1e9:.1f} GB for weights and activations; disk: "
            f"about {disk / 1e9:.1f} GB for stages {', '.join(MAIN_STAGES)}",
        ]
    )
    checkup.add(resources.check_gpu(missed=gpu_missed))
    checkup.add(resources.check_memory(memory))
    checkup.add(resources.check_disk(run_dir, disk))
    return checkup
