"""TFRecord files and TensorFlow Datasets: written, found, read one by one."""

import io
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tf_edgeconnect.data.pipeline import build_dataset
from tf_edgeconnect.data.records import write_records
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.errors import InputError


def read(source, index: int) -> np.ndarray:
    return source.read(tf.constant(index, tf.int64)).numpy()


def names(source) -> list[str]:
    return [source.name(index) for index in range(len(source))]


def write(path, examples: list[dict[str, bytes]], **options) -> None:
    with tf.io.TFRecordWriter(str(path), **options) as writer:
        for features in examples:
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in features.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def test_records_give_the_pixels_and_names_of_their_source(photo_folder, tmp_path):
    source = open_source(photo_folder(7))
    report = write_records(source, tmp_path / "records", shards=3, name="train")
    assert report == (7, ())
    files = sorted(os.listdir(tmp_path / "records"))
    assert files == [f"train-0000{shard}-of-00003.tfrecord" for shard in range(3)]
    for spec in ("records", "records/train-*.tfrecord"):
        again = open_source(tmp_path / spec)
        assert names(again) == names(source)
        for index in range(7):
            np.testing.assert_array_equal(read(again, index), read(source, index))
            assert again.encoded(index) == source.encoded(index)
    assert names(open_source(tmp_path / "records" / files[1])) == names(source)[2:4]


def test_training_from_records_equals_training_from_files(photo_folder, tmp_path):
    source = open_source(photo_folder(5))
    write_records(source, tmp_path / "records", shards=2)
    options = {"size": 16, "masks": {"block": 1.0}, "batch_size": 10}
    batches = [
        next(iter(build_dataset(each, crop="random", seed=2, **options)))
        for each in (source, tmp_path / "records")
    ]
    for key in batches[0]:
        np.testing.assert_array_equal(batches[0][key], batches[1][key])


def test_a_record_holds_what_is_documented(tmp_path, photo, encode):
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = encode(photo(24, 40), "JPEG", exif=exif)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(contents)
    write_records(open_source(tmp_path / "in"), tmp_path / "out", shards=1)
    (record,) = tf.data.TFRecordDataset(
        str(tmp_path / "out" / "photos-00000-of-00001.tfrecord")
    )
    feature = tf.train.Example.FromString(record.numpy()).features.feature
    assert feature["image/encoded"].bytes_list.value[:] == [contents]
    assert feature["image/format"].bytes_list.value[:] == [b"jpeg"]
    assert feature["image/filename"].bytes_list.value[:] == [b"a.jpg"]
    assert feature["image/orientation"].int64_list.value[:] == [6]
    assert feature["image/height"].int64_list.value[:] == [24]
    assert feature["image/width"].int64_list.value[:] == [40]
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))))
    np.testing.assert_array_equal(read(open_source(tmp_path / "out"), 0), upright)


def test_writing_twice_gives_the_same_bytes(photo_folder, tmp_path):
    source = open_source(photo_folder(4))
    for name in ("one", "two"):
        write_records(source, tmp_path / name, shards=2)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_larger_photos_are_shrunk_to_the_short_side_and_stored_as_png(
    tmp_path, photo, encode
):
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    small = encode(photo(20, 40), "JPEG")
    (tmp_path / "in" / "large.jpg").write_bytes(
        encode(photo(48, 96), "JPEG", exif=exif)
    )
    (tmp_path / "in" / "small.jpg").write_bytes(small)
    source = open_source(tmp_path / "in")
    write_records(source, tmp_path / "out", shards=1, short_side=24)
    again = open_source(tmp_path / "out")
    upright = Image.fromarray(read(source, 0)).resize((24, 48), Image.BILINEAR)
    difference = read(again, 0).astype(int) - np.asarray(upright)
    assert np.abs(difference).max() <= 1
    assert again.encoded(0).contents.startswith(b"\x89PNG")
    assert again.encoded(1).contents == small


def test_a_photo_that_fails_at_decode_is_left_out_and_named(
    photo_folder, tmp_path, cut_jpeg
):
    folder = photo_folder(3)
    (folder / "cut.jpg").write_bytes(cut_jpeg)
    report = write_records(open_source(folder), tmp_path / "out", shards=1)
    assert report.found == 4
    ((name, reason),) = report.unreadable
    assert name == "cut.jpg" and reason and "\n" not in reason
    assert names(open_source(tmp_path / "out")) == ["00.png", "01.jpg", "02.png"]


def test_a_folder_with_content_is_not_written_to(photo_folder, tmp_path):
    folder = photo_folder(1)
    before = sorted(os.listdir(folder))
    with pytest.raises(InputError, match="not empty"):
        write_records(open_source(folder), folder, shards=1)
    assert sorted(os.listdir(folder)) == before


def test_an_interrupted_writing_leaves_nothing(photo_folder, tmp_path):
    def stop(done):
        raise KeyboardInterrupt

    source = open_source(photo_folder(3))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        write_records(source, tmp_path / "out", shards=1, progress=stop)
    assert sorted(os.listdir(tmp_path)) == before


def test_progress_ends_with_all_photos(photo_folder, tmp_path):
    calls = []
    source = open_source(photo_folder(3))
    write_records(source, tmp_path / "out", shards=2, progress=calls.append)
    assert calls == [1, 2, 3]


@pytest.mark.parametrize("shards", [0, 4])
def test_shards_out_of_range_are_refused(photo_folder, tmp_path, shards):
    with pytest.raises(InputError, match=f"3, not {shards}"):
        write_records(open_source(photo_folder(3)), tmp_path / "out", shards=shards)


def test_sample_regions_can_be_written(tmp_path):
    source = open_source("sample:").select(np.arange(3))
    write_records(source, tmp_path / "out", shards=1)
    again = open_source(tmp_path / "out")
    assert names(again) == names(source)
    np.testing.assert_array_equal(read(again, 2), read(source, 2))


def test_records_of_others_need_only_an_image(tmp_path, photo, encode):
    contents = [encode(photo(seed=number), "PNG") for number in range(3)]
    write(tmp_path / "a.tfrecord", [{"image": each} for each in contents])
    source = open_source(tmp_path)
    assert len(source) == 3
    assert source.name(0) == "a.tfrecord byte 0"
    np.testing.assert_array_equal(read(source, 2), photo(seed=2))
    train, held = source.split(0.34, 0)
    assert sorted(names(train) + names(held)) == sorted(names(source))


def test_records_without_a_photo_are_refused_with_their_features(tmp_path):
    write(tmp_path / "a.tfrecord", [{"text": b"hello", "label": b"x"}])
    with pytest.raises(InputError, match="features: label, text"):
        open_source(tmp_path)


def test_compressed_records_are_refused(tmp_path, photo, encode):
    write(tmp_path / "a.tfrecord", [{"image": encode(photo(), "PNG")}], options="GZIP")
    with pytest.raises(InputError, match="uncompressed"):
        open_source(tmp_path / "a.tfrecord")


def test_a_file_without_records_is_refused(tmp_path):
    write(tmp_path / "a.tfrecord", [])
    with pytest.raises(InputError, match="no records"):
        open_source(tmp_path)


def test_a_pattern_that_fits_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="matches this pattern"):
        open_source(tmp_path / "x-*.tfrecord")


def test_a_last_record_that_is_cut_off_is_left_out_and_reported(
    tmp_path, photo, encode
):
    file = tmp_path / "a.tfrecord"
    write(file, [{"image": encode(photo(), "PNG")}] * 3)
    file.write_bytes(file.read_bytes()[:-10])
    source = open_source(file, max_bad_fraction=0.5)
    assert len(source) == 2
    assert source.report == (3, (("a.tfrecord last record", "cut off"),))
    with pytest.raises(InputError, match="1 of 3"):
        open_source(file)


def test_a_photo_that_fails_inside_a_record_is_replaced(tmp_path, photo, encode):
    contents = [encode(photo(seed=number), "PNG") for number in range(4)]
    contents[1] = contents[1][:-30]
    write(tmp_path / "a.tfrecord", [{"image": each} for each in contents])
    source = open_source(tmp_path)
    batch = next(iter(build_dataset(source, size=16, batch_size=4, masks={"half": 1})))
    assert int(tf.reduce_sum(batch["skipped"])) == 1
    where = int(tf.argmax(batch["skipped"]))
    assert source.skipped_names(where, 1, seed=0) == [source.name(1)]


def test_the_walk_over_records_is_taken_from_its_cache(photo_folder, tmp_path):
    write_records(open_source(photo_folder(4)), tmp_path / "out", shards=2)
    cache = tmp_path / "index.json"
    first = names(open_source(tmp_path / "out", cache=cache))
    assert cache.is_file()
    assert names(open_source(tmp_path / "out", cache=cache)) == first
