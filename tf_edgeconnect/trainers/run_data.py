"""The photos of a run, and the batches made of them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

SCANS = "scans"  # folder in a run directory


class RunData:
    """Opens the photos, masks and edge files of a config and makes batches of them.

    Attributes:
        training: photos to train on.
        held_out: photos for validation.

    Args:
        config: of the run.
        run_dir: keeps the scans; None keeps none.
        say: takes a line.
        download: see `open_source`.

    Raises:
        NotDownloaded: see `open_source`.
        InputError: if a source is missing, empty, or has too many bad photos.
    """

    def __init__(
        self,
        config: Config,
        run_dir: Path | None,
        say: Callable[[str], None],
        *,
        download: bool = True,
    ):
        self._config, self._say = config, say
        self._undecodable: set[str] = set()
        self._validation: dict[tuple, tf.data.Dataset] = {}  # tracing takes a second
        data, edge, mask = config.data, config.edge, config.mask

        def scan_file(name: str) -> Path | None:
            return None if run_dir is None else run_dir / SCANS / f"{name}.json"

        def scan(spec: str, name: str) -> Source:
            cache = scan_file(name)
            source = open_source(spec, cache, data.max_bad_fraction, download=download)
            for photo, reason in source.report.unreadable:
                say(f"warning: left out {photo}: {reason}")
            return source

        self.training, self.held_out, how = open_both(
            data.train, data.val, data.val_fraction, config.seed, scan
        )
        say(
            f"data: {len(self.training)} photos from {data.train}; for validation "
            f"{len(self.held_out)} ({how})"
        )
        masks = mask_sampler(
            {kind: weight for kind, weight in mask.kinds.items() if weight},
            data.size,
            hole_ratio=mask.hole_ratio,
            folder=mask.folder,
            cache=scan_file("masks"),
        )
        external = edge.source == "external"
        edges = EdgeOptions(
            edge.sigma,
            edge.folder if external else None,
            external and edge.non_max_suppression,
            cache=scan_file("edges"),
            masked=edge.known == "masked",
        )
        for source in (self.training, self.held_out):
            pair_edges(source, edges)
        self._options: dict[str, Any] = dict(
            size=data.size, masks=masks, edges=edges, seed=config.seed
        )
        count, size = kept_files(scan_file("train"))
        if count:
            say(
                f"read as PNG, since TensorFlow decodes them differently: {count} "
                f"files, {size / 1e6:.1f} MB, in {SCANS} of the run directory"
            )

    def training_batches(
        self,
        start: int,
        place: tf.distribute.InputContext,
        service: str | None = None,
    ) -> tf.data.Dataset:
        """Returns one worker's endless stream of batches, a batch for each replica.

        Args:
            start: first position, counted over all workers.
            place: which worker this is for; each takes every k-th position.
            service: `host:port` of a tf.data service that makes them; None: this
                process.
        """
        return build_dataset(
            self.training,
            **self._options,
            crop=self._config.data.crop,
            flip=self._config.data.flip,
            batch_size=place.get_per_replica_batch_size(self._config.train.batch_size),
            start=start,
            shard=(place.input_pipeline_id, place.num_input_pipelines),
            service=service,
        )

    def validation_batches(
        self,
        place: tf.distribute.InputContext | None = None,
        count: int | None = None,
    ) -> tf.data.Dataset:
        """Returns the batches of a validation, always the same photos, crops and masks.

        All workers together see each photo once.

        Args:
            place: which worker this is for; None: the only one.
            count: photos, spread over the source; `train.val_examples` by default.
        """
        place = place or tf.distribute.InputContext()
        count = min(count or self._config.train.val_examples, len(self.held_out))
        batch_size = min(self._config.train.batch_size, count)
        batch_size = max(batch_size // place.num_replicas_in_sync, 1)
        shard = place.input_pipeline_id, place.num_input_pipelines
        made = self._validation.get((shard, batch_size, count))
        if made is None:
            spread = np.linspace(0, len(self.held_out) - 1, count).round()
            made = build_dataset(
                self.held_out.select(spread.astype(np.int64)),
                **self._options,
                batch_size=batch_size,
                shard=shard,
                training=False,
            )
            self._validation[shard, batch_size, count] = made
        return made

    def name_undecodable(self, positions: np.ndarray, skipped: np.ndarray) -> None:
        """Names each photo that failed at full decode once.

        Args:
            positions: `position` of a batch, `(B,)`.
            skipped: `skipped` of the same.

        Raises:
            InputError: once more than `data.max_bad_fraction` of the photos are bad.
        """
        for position, count in zip(positions, skipped, strict=True):
            names = self._skipped_names(int(position), int(count))
            for name in sorted(set(names) - self._undecodable):
                self._undecodable.add(name)
                self._say(f"warning: {name} cannot be decoded; the next photo is used")
        limit = self._config.data.max_bad_fraction
        if len(self._undecodable) > limit * len(self.training):
            listed = ", ".join(sorted(self._undecodable)[:10])
            raise InputError(
                f"{len(self._undecodable)} of {len(self.training)} photos cannot be "
                f"decoded, more than data.max_bad_fraction {limit}: {listed}; repair "
                "or remove them, or raise the limit, and run the same command"
            )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Names the photos at which the stream fails in the block.

        Raises:
            InputError: no photo could be decoded at some position.
        """
        try:
            yield
        except tf.errors.OpError as error:  # its kind changes in a tf.data service
            stretch = undecodable(error)
            if stretch is None:
                raise
            names = self._skipped_names(*stretch)
            raise InputError(
                f"{len(names)} photos in a row cannot be decoded: "
                f"{', '.join(names[:10])}; repair or remove them, or check that the "
                "disk is still there, and run the same command"
            ) from None

    def _skipped_names(self, position: int, count: int) -> list[str]:
        return self.training.skipped_names(position, count, self._config.seed)


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
        "no validation photo can be decoded: give others with data.val, or hold out "
        "more with data.val_fraction"
    )
