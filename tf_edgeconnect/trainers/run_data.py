"""A config's photos, and the batches made of them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import Config
from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.kept import kept_files
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.data.pipeline import build_dataset, undecodable
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.sources import open_both, open_source
from tf_edgeconnect.errors import InputError

Say = Callable[[str], None]
SCANS = "scans"  # folder in a run directory


def open_sources(
    config: Config, run_dir: Path | None, say: Say, *, download: bool = True
) -> tuple[Source, Source]:
    """Scans the photos for training and those held out; says what it found.

    Masks and edge files are scanned, too, so that all is kept that training needs.

    Args:
        config: of the run.
        run_dir: keeps the scans; None keeps none.
        say: takes a line.
        download: see `open_source`.

    Raises:
        NotDownloaded: see `open_source`.
        InputError: if a source is missing, empty, or has too many bad photos.
    """
    data = config.data

    def scan(spec: str, name: str) -> Source:
        cache = _scan_file(run_dir, name)
        source = open_source(spec, cache, data.max_bad_fraction, download=download)
        for photo, reason in source.report.unreadable:
            say(f"warning: left out {photo}: {reason}")
        return source

    training, held_out, how = open_both(
        data.train, data.val, data.val_fraction, config.seed, scan
    )
    say(
        f"data: {len(training)} photos from {data.train}; for validation "
        f"{len(held_out)} ({how})"
    )
    edges = _example_options(config, run_dir)["edges"]
    for source in (training, held_out):
        pair_edges(source, edges)
    count, size = kept_files(_scan_file(run_dir, "train"))
    if count:
        say(
            f"kept as PNG, since TensorFlow would read them otherwise: {count} files, "
            f"{size / 1e6:.1f} MB, in {SCANS} of the run directory"
        )
    return training, held_out


def _scan_file(run_dir: Path | None, name: str) -> Path | None:
    return None if run_dir is None else run_dir / SCANS / f"{name}.json"


def training_batches(
    config: Config,
    source: Source,
    run_dir: Path,
    start: int,
    place: tf.distribute.InputContext,
    service: str | None = None,
) -> tf.data.Dataset:
    """Returns one worker's endless stream of batches, a batch for each replica.

    Args:
        config: of the run.
        source: photos.
        run_dir: keeps the scans.
        start: position from which on, counted over all workers.
        place: which worker this is for; each takes every k-th position.
        service: `host:port` of a tf.data service that makes them; None: this process.
    """
    return build_dataset(
        source,
        **_example_options(config, run_dir),
        crop=config.data.crop,
        flip=config.data.flip,
        batch_size=place.get_per_replica_batch_size(config.train.batch_size),
        start=start,
        shard=(place.input_pipeline_id, place.num_input_pipelines),
        service=service,
    )


def validation_batches(
    config: Config,
    source: Source,
    run_dir: Path | None = None,
    place: tf.distribute.InputContext | None = None,
    count: int | None = None,
) -> tf.data.Dataset:
    """Returns the batches of a validation, always the same photos, crops and masks.

    All workers together see each photo once.

    Args:
        config: of the run.
        source: photos.
        run_dir: keeps the scans; None scans masks and edge files again.
        place: which worker this is for; None: the only one.
        count: photos, spread over the source; `train.val_examples` by default.
    """
    place = place or tf.distribute.InputContext()
    count = min(count or config.train.val_examples, len(source))
    batch_size = min(config.train.batch_size, count) // place.num_replicas_in_sync
    spread = np.linspace(0, len(source) - 1, count).round().astype(np.int64)
    return build_dataset(
        source.select(spread),
        **_example_options(config, run_dir),
        batch_size=max(batch_size, 1),
        shard=(place.input_pipeline_id, place.num_input_pipelines),
        training=False,
    )


def _example_options(config: Config, run_dir: Path | None) -> dict:
    edge, mask = config.edge, config.mask
    external = edge.source == "external"
    return dict(
        size=config.data.size,
        masks=mask_sampler(
            {kind: weight for kind, weight in mask.kinds.items() if weight},
            config.data.size,
            hole_ratio=mask.hole_ratio,
            folder=mask.folder,
            cache=_scan_file(run_dir, "masks"),
        ),
        edges=EdgeOptions(
            edge.sigma,
            edge.folder if external else None,
            external and edge.non_max_suppression,
            cache=_scan_file(run_dir, "edges"),
            masked=edge.known == "masked",
        ),
        seed=config.seed,
    )


def first_examples(batches: tf.data.Dataset, count: int) -> dict[str, np.ndarray]:
    """Returns the first examples of a data set as one batch of pictures.

    Raises:
        InputError: if there is none.
    """
    # Other keys are int64 and of no use to a picture.
    floats = batches.unbatch().map(
        lambda example: {k: v for k, v in example.items() if v.dtype == tf.float32}
    )
    for found in floats.take(count).batch(count).as_numpy_iterator():
        return found
    raise InputError(
        "no photo for validation can be decoded: give others with data.val, or hold "
        "out more with data.val_fraction"
    )


class BadPhotos:
    """Names each photo that failed at full decode once; too many stop the run."""

    def __init__(self, source: Source, config: Config, say: Say):
        self._source, self._config, self._say = source, config, say
        self._names: set[str] = set()

    def __call__(self, positions: np.ndarray, skipped: np.ndarray) -> None:
        """Takes a batch's `position` and `skipped`, both `(B,)`.

        Raises:
            InputError: once more than `data.max_bad_fraction` of the photos are bad.
        """
        for position, count in zip(positions, skipped, strict=True):
            names = self._source.skipped_names(
                int(position), int(count), self._config.seed
            )
            for name in sorted(set(names) - self._names):
                self._names.add(name)
                self._say(f"warning: {name} cannot be decoded; the next photo is used")
        limit = self._config.data.max_bad_fraction
        if len(self._names) > limit * len(self._source):
            listed = ", ".join(sorted(self._names)[:10])
            raise InputError(
                f"{len(self._names)} of {len(self._source)} photos cannot be decoded, "
                f"more than data.max_bad_fraction {limit}: {listed}; mend or remove "
                "them, or raise the limit, and run the same command"
            )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Names the photos where the stream breaks off while the block runs.

        Raises:
            InputError: no photo could be decoded at some place of the stream.
        """
        try:
            yield
        except tf.errors.OpError as error:  # its kind changes in a tf.data service
            stretch = undecodable(error)
            if stretch is None:
                raise
            names = self._source.skipped_names(*stretch, self._config.seed)
            raise InputError(
                f"{len(names)} photos in a row cannot be decoded: "
                f"{', '.join(names[:10])}; mend or remove them, or see whether the "
                "disk is still there, and run the same command"
            ) from None
