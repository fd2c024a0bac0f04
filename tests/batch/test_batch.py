"""The command `batch`: what `inpaint` gives, for many photos, and again from a stop."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import ImageCms

from tests.pictures import pixels
from tf_edgeconnect.batch.filling import Options, fill_group, prepare
from tf_edgeconnect.batch.items import list_items
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.data.records import write_records
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.photos.metadata import Metadata
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import write_photo

RNG = np.random.default_rng(4)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CARRIED = Metadata(icc=PROFILE)


@pytest.fixture
def call(tiny_run, tiny_inpainter, capsys, monkeypatch):
    """Runs a command: exit code, stdout, stderr. The networks are loaded once."""
    monkeypatch.setattr(Inpainter, "load", lambda path, **_: tiny_inpainter)

    def command(name, *arguments):
        code = run([name, "--model", str(tiny_run), *map(str, arguments)])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def batch(call):
    pytest.importorskip("apache_beam", reason="needs Apache Beam: extra batch")
    return lambda *arguments: call("batch", *arguments)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four photos of two sizes and of all kinds, and masks of their names."""
    monkeypatch.chdir(tmp_path)
    kept = {
        "a": Photo(pixels(16, 20, 3)),
        "b": Photo(pixels(16, 20, 3), alpha=pixels(16, 20), metadata=CARRIED),
        "below/c": Photo(pixels(24, 16, 1, dtype=np.uint16)),
        "below/d": Photo(pixels(16, 20, 3, dtype=np.uint16)),
    }
    for name, photo in kept.items():
        write_photo(tmp_path / "photos" / f"{name}.png", photo)
        hole = np.zeros((*photo.size, 1), np.uint8)
        hole[4:9, 5 : 8 + RNG.integers(4)] = 255
        write_photo(tmp_path / "masks" / f"{name}.png", Photo(hole))
    return tmp_path


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.png"))
    }


def summary(folder):
    return json.loads((folder / "summary.json").read_text())["counters"]


def test_results_are_those_of_inpaint_byte_for_byte(folder, batch, call, caplog):
    assert call("inpaint", "photos", "masks", "-o", "plain", "--dilate", 1)[0] == 0
    code, out, err = batch("photos", "masks", "-o", "out", "--dilate", 1)
    assert code == 0, err
    assert caplog.messages == [] and "warning" not in err
    assert "4 photos: 0 finished before and skipped, 4 to do" in err
    assert out == f"done 4, skipped 0, failed 0, pixels {3 * 16 * 20 + 24 * 16}\n"
    assert len(contents(folder / "out")) == 4
    assert contents(folder / "out") == contents(folder / "plain")
    assert not (folder / "out" / "failed.jsonl").exists()
    assert not list((folder / "out").rglob(".*"))


def test_a_restart_makes_only_what_is_missing(folder, batch):
    assert batch("photos", "masks", "-o", "out")[0] == 0
    made = contents(folder / "out")
    left = folder / "out" / "a.png"
    left.write_bytes(b"as it was")
    (folder / "out" / "below" / "c.png").unlink()
    (folder / "out" / "below" / ".c.png.1.part").write_bytes(b"half")
    beams_own = folder / "out" / "beam-temp-failed.jsonl-0a1b"
    beams_own.mkdir()
    (beams_own / "half").write_bytes(b"half")
    code, _, err = batch("photos", "masks", "-o", "out")
    assert not beams_own.exists()
    assert code == 0 and "3 finished before and skipped, 1 to do" in err
    assert contents(folder / "out") == made | {"a.png": b"as it was"}
    assert not list((folder / "out").rglob(".*"))
    assert summary(folder / "out") == {
        "done": 1,
        "skipped": 3,
        "failed": 0,
        "pixels": 24 * 16,
    }


def test_failures_are_listed_and_tried_again(folder, batch):
    whole = (folder / "photos" / "a.png").read_bytes()
    (folder / "photos" / "a.png").write_bytes(whole[:-40])
    (folder / "masks" / "b.png").unlink()
    code, _, err = batch("photos", "masks", "-o", "out")
    assert code == 1 and "out/failed.jsonl" in err
    lines = (folder / "out" / "failed.jsonl").read_text().splitlines()
    reasons = {line["name"]: line["reason"] for line in map(json.loads, lines)}
    assert reasons.keys() == {"a", "b"}
    assert "a.png is damaged or cut short" in reasons["a"]
    assert reasons["b"].startswith("no mask of its name in masks: neither b.png nor ")
    assert summary(folder / "out")["done"] == summary(folder / "out")["failed"] == 2
    (folder / "photos" / "a.png").write_bytes(whole)
    (folder / "masks" / "b.png").write_bytes((folder / "masks/a.png").read_bytes())
    assert batch("photos", "masks", "-o", "out")[0] == 0
    assert summary(folder / "out")["skipped"] == summary(folder / "out")["done"] == 2
    assert not (folder / "out" / "failed.jsonl").exists()


def test_records_hold_what_files_would(folder, batch, call, monkeypatch):
    from tf_edgeconnect.batch import pipeline

    monkeypatch.setattr(pipeline, "GROUP", 1)
    write_records(open_source("photos"), "records", shards=2)
    assert call("inpaint", "photos", "masks", "-o", "plain")[0] == 0
    arguments = ("records", "masks", "-o", "out", "--format", "tfrecord")
    assert batch(*arguments)[0] == 0
    assert stored(folder / "out") == contents(folder / "plain")
    # Killed between the names of a group and its photos, the group counts for nothing.
    files = sorted((folder / "out").glob("*.tfrecord"))
    assert len(files) == 4
    files[0].unlink()
    code, _, err = batch(*arguments)
    assert code == 0 and "3 finished before and skipped, 1 to do" in err
    assert stored(folder / "out") == contents(folder / "plain")


def stored(folder):
    found = {}
    for file in folder.glob("*.tfrecord"):
        for record in tf.data.TFRecordDataset(str(file)):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            name = features["image/filename"].bytes_list.value[0].decode()
            assert name not in found
            found[name] = features["image/encoded"].bytes_list.value[0]
    return found


def test_a_photo_that_fails_in_a_batch_leaves_the_others_whole(
    folder, tiny_inpainter, tiny_run
):
    calls = []

    class OutOfMemory:
        def paint(self, images, holes, large):
            calls.append(len(images))
            if holes.all(axis=(1, 2)).any():
                raise MemoryError("no room\nat all")
            return tiny_inpainter.paint(images, holes, large=large)

    options = Options(model=str(tiny_run), output=folder / "out", batch_size=2)
    write_photo(
        "masks/a.png", Photo(np.full((16, 20, 1), 255, np.uint8)), overwrite=True
    )
    items = list_items(folder / "photos", folder / "masks", folder / "out")
    outcome = fill_group(items, options, OutOfMemory())
    # a and b share a size and fail together, then b is filled alone; c; d.
    assert calls == [2, 1, 1, 1, 1]
    assert len(outcome.pixels) == 3
    assert {item.name: reason for item, reason in outcome.failures.items()} == {
        "a": "MemoryError: no room"
    }
    assert contents(folder / "out").keys() == {"b.png", "below/c.png", "below/d.png"}


def test_photos_of_one_name_fail_alone(folder):
    (folder / "photos" / "a.jpg").write_bytes(b"")
    items = list_items(folder / "photos", folder / "masks", folder / "out")
    failing = {Path(item.photo).name for item in items if item.problem}
    assert failing == {"a.jpg", "a.png"} and len(items) == 5


def test_a_list_names_photos_from_its_root(folder, batch):
    (folder / "some.txt").write_text("photos/below/d.png\n\nphotos/a.png\n")
    code, _, _ = batch("some.txt", "masks", "-o", "out", "--root", "photos")
    assert code == 0
    assert contents(folder / "out").keys() == {"a.png", "below/d.png"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "masks", "-o", "out"), "photos nowhere does not exist"),
        (("photos", "nowhere", "-o", "out"), "masks nowhere does not exist"),
        (("photos", "masks", "-o", "photos"), "is an input folder"),
        (("photos", "masks", "-o", "full"), "holds files that batch did not write"),
        (("photos", "masks", "-o", "other"), "results of dilate 3, not 0"),
        (("photos", "masks", "-o", "out", "--root", "."), "--root is for a list"),
        (("some.txt", "masks", "-o", "out", "--root", "masks"), "--root"),
        (("empty.txt", "masks", "-o", "out"), "the list is empty"),
        (("photos/a.png", "masks", "-o", "out"), "for one photo, use inpaint"),
        (("photos", "masks", "flag", "-o", "out"), "unexpected 'flag'"),
        (
            ("photos", "masks", "-o", "out", "--", "--runner", "Nobody"),
            "Unexpected pipeline runner",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(
    folder, batch, tiny_run, arguments, message
):
    (folder / "full").mkdir()
    (folder / "full" / "a.png").write_bytes(b"")
    settings = {
        "model": f"{tiny_run / 'weights' / 'joint'} (stage joint, step 7)",
        "masks": str(folder / "masks"),
        "format": "png",
        "invert_mask": False,
        "mask_from": "auto",
        "mask_label": None,
        "dilate": 3,
        "large": "auto",
    }
    prepare(folder / "other", settings)
    (folder / "some.txt").write_text("photos/a.png\n")
    (folder / "empty.txt").write_text("\n")
    code, _, err = batch(*arguments)
    assert code == 2 and message in err.splitlines()[-1], err


def test_a_presets_name_stays_a_name(folder, tiny_inpainter, capsys, monkeypatch):
    pytest.importorskip("apache_beam", reason="needs Apache Beam: extra batch")
    asked = []
    monkeypatch.setattr(
        Inpainter, "load", lambda it: asked.append(it) or tiny_inpainter
    )
    code = run(["batch", "photos", "masks", "-o", "out", "--model", "small"])
    assert code == 0, capsys.readouterr().err
    assert {str(path) for path in asked} == {"small"}


def test_without_beam_one_line_names_the_extra(folder, call, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    code, _, err = call("batch", "photos", "masks", "-o", "out")
    assert code == 2 and "tf-edgeconnect[batch]" in err and err.count("\n") == 1
