"""TensorFlow Datasets as a source: by name, or a directory prepared earlier.

Only the photos are used. They stay encoded in TFDS' TFRecord files and are read from
there one by one, so their order is ours, not that of a TFDS reader.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tf_edgeconnect.data.records import RecordKeys, RecordSource, open_records
from tf_edgeconnect.errors import InputError, one_line

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder

INFO_FILE = "dataset_info.json"
_NAME_FEATURES = ("image/filename", "file_name", "filename", "id")
_RETRIES = 3  # of a download: some seconds; 10, as TFDS has it, are minutes


class NotDownloaded(InputError):
    """A dataset that would have to be downloaded first."""


def open_tfds(
    spec: str, cache: Path | None = None, *, download: bool = True
) -> RecordSource:
    """Opens one split of a dataset of TensorFlow Datasets.

    A name is downloaded and prepared on first use, into TFDS' own data directory
    (`TFDS_DATA_DIR`, else `~/tensorflow_datasets`).

    Args:
        spec: `NAME`, `NAME/CONFIG`, or the directory that holds `dataset_info.json`;
            `/SPLIT` may follow any of them. Without a split: `train`, or the only one.
        cache: JSON file that keeps the places of the records.
        download: whether a dataset that is not there yet is downloaded.

    Raises:
        NotDownloaded: it is not there yet, and `download` is false.
        InputError: there is no such dataset, directory, split or photo in it, it cannot
            be downloaded, or its files are not TFRecord.
    """
    where = f"tfds:{spec}"
    if spec.startswith(("/", ".", "~")):
        builder, split = _from_directory(Path(spec).expanduser(), where)
    else:
        builder, split = _from_name(spec, where)
        if not (download or builder.is_prepared()):
            raise NotDownloaded(
                f"{where}: not downloaded yet; training downloads it to "
                f"{builder.data_dir}"
            )
        _prepare(builder, where)
    file_format = getattr(builder.info.file_format, "value", None)
    if file_format != "tfrecord":
        raise InputError(
            f"{where}: its files are {file_format}, expected tfrecord; prepare it with "
            "tfds.builder(..., file_format='tfrecord').download_and_prepare()"
        )
    splits = builder.info.splits
    if not split:
        split = "train" if "train" in splits or len(splits) != 1 else next(iter(splits))
    if split not in splits:
        have = ", ".join(sorted(splits)) or "none"
        raise InputError(f"{where}: no split {split!r}; its splits: {have}")
    files = [Path(path) for path in splits[split].filepaths]
    return open_records(files, where, cache, _keys(builder, where))


def _from_directory(path: Path, where: str) -> tuple["DatasetBuilder", str]:
    import tensorflow_datasets as tfds

    for folder, split in ((path, ""), (path.parent, path.name)):
        if (folder / INFO_FILE).is_file():
            return tfds.builder_from_directory(folder), split
    raise InputError(
        f"{where}: no {INFO_FILE} there; expected the directory of one version, such "
        "as ~/tensorflow_datasets/celeb_a/2.1.0"
    )


def _from_name(spec: str, where: str) -> tuple["DatasetBuilder", str]:
    import tensorflow_datasets as tfds

    # `a/b` is dataset a with config b, or else its split b: only TFDS can tell.
    name, _, split = spec.rpartition("/")
    for each in ((spec, ""), (name, split))[: 2 if name else 1]:
        try:
            return tfds.builder(each[0]), each[1]
        except ValueError as error:  # also its DatasetNotFoundError
            reason = one_line(error)
    raise InputError(f"{where}: TensorFlow Datasets has no such dataset: {reason}")


def _prepare(builder: "DatasetBuilder", where: str) -> None:
    from tensorflow_datasets.core.download import downloader

    retries, downloader.MAX_RETRIES = downloader.MAX_RETRIES, _RETRIES
    try:
        builder.download_and_prepare(file_format="tfrecord")
    except Exception as error:  # of requests, TFDS, TensorFlow, ...: no common kind
        lines = str(error).strip().splitlines() or ["no reason given"]
        names = [info.filename for info in (builder.url_infos or {}).values()]
        files = ", ".join(name for name in names if name) or "its files"
        raise InputError(
            f"{where} cannot be prepared: {type(error).__name__}: {lines[0]}; download "
            f"{files} by hand into {builder.data_dir_root / 'downloads' / 'manual'} "
            "and run the same command"
        ) from error
    finally:
        downloader.MAX_RETRIES = retries


def _keys(builder: "DatasetBuilder", where: str) -> RecordKeys:
    import tensorflow_datasets as tfds

    features = builder.info.features
    named = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    images = [
        name
        for name, feature in named.items()
        if type(feature) is tfds.features.Image and feature.dtype.name[:4] == "uint"
    ]
    if len(images) != 1 and "image" not in images:
        have = ", ".join(images) or "none"
        raise InputError(
            f"{where}: expected one feature of 8- or 16-bit images, or one called "
            f"image; found {have}"
        )
    name = next((name for name in _NAME_FEATURES if name in named), RecordKeys().name)
    return RecordKeys(image="image" if "image" in images else images[0], name=name)
