"""TensorFlow Datasets as a source, from a dataset prepared here without a download."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.data.tfds import NotDownloaded
from tf_edgeconnect.errors import InputError

COUNTS = {"train": 5, "test": 2}


def prepare(data_dir, photo, *, features=None, file_format="tfrecord"):
    """Prepares a dataset `tiny` and returns the directory of its version."""
    image = tfds.features.Image(shape=(None, None, 3))
    features = features or {"image": image, "file_name": tfds.features.Text()}

    class Tiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in COUNTS}

        def _generate_examples(self, split):
            for number in range(COUNTS[split]):
                values = {
                    "image": photo(20, 30 + number, seed=number),
                    "other": photo(20, 20, seed=number),
                    "file_name": f"{split}{number}.png",
                    "label": number,
                }
                yield number, {name: values[name] for name in features}

    builder = Tiny(data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare()
    return data_dir / "tiny" / "1.0.0"


@pytest.fixture
def prepared(tmp_path, photo):
    return prepare(tmp_path, photo)


def names(source) -> list[str]:
    return sorted(source.name(index) for index in range(len(source)))


def test_without_download_a_dataset_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    with pytest.raises(NotDownloaded, match="tfds:mnist: not downloaded yet"):
        open_source("tfds:mnist", download=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["{}", "tfds:{}", "tfds:{}/train"])
def test_a_prepared_directory_gives_the_photos_of_its_split(prepared, photo, form):
    source = open_source(form.format(prepared))
    assert names(source) == [f"train{number}.png" for number in range(5)]
    for index in range(5):
        number = int(source.name(index)[5])
        pixels = source.read(tf.constant(index, tf.int64)).numpy()
        np.testing.assert_array_equal(pixels, photo(20, 30 + number, seed=number))


def test_another_split_is_named_behind_a_slash(prepared):
    assert names(open_source(f"tfds:{prepared}/test")) == ["test0.png", "test1.png"]


def test_an_unknown_split_is_refused_with_those_there_are(prepared):
    with pytest.raises(InputError, match="'valid'; its splits: test, train"):
        open_source(f"tfds:{prepared}/valid")


@pytest.mark.parametrize("form", ["tfds:tiny", "tfds:tiny/test"])
def test_a_name_is_looked_up_in_the_data_directory_of_tfds(prepared, monkeypatch, form):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(prepared.parent.parent))
    assert len(open_source(form)) == COUNTS["test" if "test" in form else "train"]


@pytest.mark.parametrize("name", ["no_such_dataset", "mnist/no_such_config/train"])
def test_an_unknown_name_is_refused_in_one_line(name):
    with pytest.raises(InputError, match=name) as error:
        open_source(f"tfds:{name}")
    assert "\n" not in str(error.value)


def test_a_directory_that_is_not_prepared_is_refused(tmp_path):
    with pytest.raises(InputError, match="dataset_info.json"):
        open_source(f"tfds:{tmp_path}/celeb_a")


def test_array_records_are_refused_with_the_way_out(tmp_path, photo):
    pytest.importorskip("array_record", reason="writes array_record files")
    folder = prepare(tmp_path, photo, file_format="array_record")
    with pytest.raises(InputError, match="array_record.*file_format='tfrecord'"):
        open_source(folder)


def test_of_two_images_that_called_image_is_taken(tmp_path, photo):
    image = tfds.features.Image(shape=(None, None, 3))
    source = open_source(
        prepare(tmp_path, photo, features={"image": image, "other": image})
    )
    assert source.read(tf.constant(0, tf.int64)).shape[1] != 20


def test_a_dataset_without_images_is_refused(tmp_path, photo):
    features = {"label": tfds.features.Scalar(np.int64)}
    with pytest.raises(InputError, match="found none"):
        open_source(prepare(tmp_path, photo, features=features))


@pytest.mark.parametrize(
    "error",
    [
        OSError("Max retries exceeded with url: /img_align_celeba.zip"),
        tfds.core.download.download_manager.NonMatchingChecksumError("Artifact\n* Got"),
        ValueError("Failed to obtain confirmation link for GDrive URL"),
        AssertionError("Manual directory does not exist or is empty.\nCreate it"),
    ],
)
def test_a_dataset_that_cannot_be_had_ends_in_one_line(tmp_path, monkeypatch, error):
    def fail(self, **options):
        assert tfds.core.download.downloader.MAX_RETRIES == 3
        raise error

    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(InputError) as raised:
        open_source("tfds:mnist")
    line = str(raised.value)
    assert "\n" not in line and str(error).splitlines()[0] in line
    assert "t10k-images-idx3-ubyte.gz" in line
    assert str(tmp_path / "downloads" / "manual") in line
