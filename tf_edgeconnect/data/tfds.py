"""TensorFlow Datasets as a source: by name, or a directory prepared earlier.

Only the photos are used. They stay encoded in TFDS' TFRecord files and are read from
there one by one, so their order is ours, not that of a TFDS reader.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tf_edgeconnect.data.tfrecords import RecordKeys, RecordSource, open_records
from tf_edgeconnect.errors import InputError

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

INFO_FILE = "dataset_info.json"
_NAME_FEATURES = ("image/filename", "file_name", "filename", "id")


class NotDownloaded(InputError):
    """A dataset that would have to be downloaded first."""


def open_tfds(
    spec: str,
    cache: Path | None = None,
    max_bad_fraction: float = 0.01,
    *,
    download: bool = True,
) -> RecordSource:
    """Opens one split of a dataset of TensorFlow Datasets.

    A name is downloaded and prepared on first use, into TFDS' own data directory
    (`TFDS_DATA_DIR`, else `~/tensorflow_datasets`).

    Args:
        spec: `NAME`, `NAME/CONFIG`, or the directory that holds `dataset_info.json`;
            `/SPLIT` may follow any of them. Without a split: `train`, or the only one.
        cache: JSON file that keeps the places of the records.
        max_bad_fraction: the largest tolerated share of cut records, 0 to 1.
        download: whether a dataset that is not there yet is downloaded.

    Raises:
        NotDownloaded: it is not there yet, and `download` is false.
        InputError: there is no such dataset, directory, split or photo in it, or its
            files are not TFRecord.
    """
    where = f"tfds:{spec}"
    if spec.startswith(("/", ".", "~")):
        builder, split = _from_directory(spec)
    else:
        builder, split = _from_name(spec, download)
    file_format = builder.info.file_format
    if file_format is None or file_format.value != "tfrecord":
        given = getattr(file_format, "value", file_format)
        raise InputError(
            f"{where}: its files are {given}, expected tfrecord; prepare it with "
            "tfds.builder(..., file_format='tfrecord').download_and_prepare()"
        )
    splits = builder.info.splits
    if not split:
        split = "train" if "train" in splits or len(splits) != 1 else next(iter(splits))
    if split not in splits:
        have = ", ".join(sorted(splits)) or "none"
        raise InputError(f"{where}: no split {split!r}; its splits: {have}")
    files = [Path(path) for path in splits[split].filepaths]
    return open_records(files, where, cache, max_bad_fraction, _keys(builder, where))


def _from_directory(spec: str) -> tuple["tfds.core.DatasetBuilder", str]:
    import tensorflow_datasets as tfds

    path = Path(spec).expanduser()
    for folder, split in ((path, ""), (path.parent, path.name)):
        if (folder / INFO_FILE).is_file():
            return tfds.builder_from_directory(folder), split
    raise InputError(
        f"tfds:{spec}: no {INFO_FILE} there; expected the directory of one version, "
        "such as ~/tensorflow_datasets/celeb_a/2.1.0"
    )


def _from_name(spec: str, download: bool) -> tuple["tfds.core.DatasetBuilder", str]:
    import tensorflow_datasets as tfds

    name, _, last = spec.rpartition("/")
    try:
        builder, split = tfds.builder(spec), ""
    except ValueError as error:  # also its DatasetNotFoundError
        # `a/b` is dataset a with config b, or else its split b: only TFDS can tell.
        if not name:
            raise _unknown(spec, error) from None
        try:
            builder, split = tfds.builder(name), last
        except ValueError:
            raise _unknown(spec, error) from None
    if not (download or builder.is_prepared()):
        raise NotDownloaded(
            f"tfds:{spec}: not downloaded yet; training downloads it to "
            f"{builder.data_dir}"
        )
    builder.download_and_prepare(file_format="tfrecord")
    return builder, split


def _unknown(spec: str, error: ValueError) -> InputError:
    first_line = str(error).strip().splitlines()[0]
    return InputError(
        f"tfds:{spec}: TensorFlow Datasets has no such dataset: {first_line}"
    )


def _keys(builder: "tfds.core.DatasetBuilder", where: str) -> RecordKeys:
    import tensorflow_datasets as tfds

    features = builder.info.features
    named = features.items() if isinstance(features, tfds.features.FeaturesDict) else ()
    images = [
        name
        for name, feature in named
        if type(feature) is tfds.features.Image and feature.dtype.name[:4] == "uint"
    ]
    if len(images) != 1 and "image" not in images:
        have = ", ".join(images) or "none"
        raise InputError(
            f"{where}: expected one feature of 8- or 16-bit images, or one called "
            f"image; found {have}"
        )
    present = {name for name, _ in named}
    name = next((name for name in _NAME_FEATURES if name in present), "")
    return RecordKeys(
        image="image" if "image" in images else images[0],
        name=name or RecordKeys().name,
    )
