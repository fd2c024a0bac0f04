"""A system over all pictures: what is written, what is left out, and going on."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation import measure, run
from tf_edgeconnect.evaluation.manifest import Conditions
from tf_edgeconnect.evaluation.results import Evaluation, open_journal
from tf_edgeconnect.evaluation.run import evaluate
from tf_edgeconnect.evaluation.systems import (
    Filled,
    System,
    baseline_system,
    predictions_system,
)

RNG = np.random.default_rng(8)
NAMES = ("a", "b", "deep/c", "d")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Four photos of 20 x 16, and one mask that hides the upper half."""
    monkeypatch.chdir(tmp_path)
    Path("photos/deep").mkdir(parents=True)
    for name in NAMES:
        pixels = RNG.integers(0, 256, (16, 20, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{name}.png")
    Image.fromarray(np.arange(16)[:, None] * np.ones(20) < 8).save("mask.png")
    return tmp_path


def flat_system(value=100, stop_after=None):
    """Fills holes with one colour; it may stop as a killed process does."""
    seen = []

    def fill(picture):
        seen.append(picture.file.removesuffix(".png"))
        if stop_after is not None and len(seen) > stop_after:
            raise KeyboardInterrupt
        flat = np.full_like(picture.image, value)
        return Filled(np.where(picture.hole[..., None], flat, picture.image))

    details = {"kind": "test", "label": "flat", "edges": None, "value": value}
    system = System(details, fill)
    object.__setattr__(system, "seen", seen)
    return system


def measured(system, output="out", **options):
    conditions = Conditions(Path("photos"), Path("mask.png"), **options)
    return evaluate(conditions, system, Path(output))


def files(output):
    return {
        path.relative_to(output).as_posix(): path.read_bytes()
        for path in Path(output).rglob("*")
        if path.is_file()
    }


def test_pictures_and_figures_are_written():
    found = measured(baseline_system("telea"))
    assert isinstance(found, Evaluation) and found.system == "Telea"
    assert [image.name for image in found.images] == sorted(NAMES)
    assert {image.bin for image in found.images} == {"40-50%"}
    assert set(found.missing) == {"fid", "lpips"} and found.warnings == []
    photo = np.asarray(Image.open("photos/deep/c.png"))
    filled = np.asarray(Image.open("out/filled/deep/c.png"))
    np.testing.assert_array_equal(filled[8:], photo[8:])
    assert (filled[:8] != photo[:8]).any()
    error = 100 * np.abs(filled / 255 - photo / 255).mean()
    by_name = {image.name: image for image in found.images}
    assert by_name["deep/c"].l1 == pytest.approx(error, abs=1e-6)


def test_a_stopped_evaluation_goes_on_to_the_same_files():
    with pytest.raises(KeyboardInterrupt):
        measured(flat_system(stop_after=2))
    with open("out/images.jsonl", "a") as journal:
        journal.write('{"name": "d", "l1')  # killed within a line
    with pytest.raises(InputError, match="not finished"):
        Evaluation.read("out")
    Path("out/system.json").unlink()  # killed before it was written
    rest = flat_system()
    measured(rest)
    assert rest.seen == ["d", "deep/c"]
    measured(flat_system(), "whole")
    assert files("out") == files("whole")


def test_two_processes_do_not_measure_in_one_folder():
    measured(flat_system())
    with open_journal(Path("out")), pytest.raises(InputError, match="another process"):
        measured(flat_system())


def test_a_finished_evaluation_measures_nothing_again_and_may_be_called_otherwise():
    measured(flat_system())
    before, again = files("out"), flat_system()
    measured(again)
    assert again.seen == [] and files("out") == before
    system = flat_system()
    system.details["label"] = "Flat"
    assert measured(system).system == "Flat" and system.seen == []


def test_a_picture_whose_file_is_gone_is_made_again():
    measured(flat_system())
    Path("out/filled/b.png").unlink()
    again = flat_system()
    measured(again)
    assert again.seen == ["b"] and Path("out/filled/b.png").is_file()
    assert len(measured(flat_system()).images) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system": flat_system(99)}, "value is 100 there and 99 here"),
        ({"protocol": "edgeconnect", "size": 64}, 'protocol is "standard" there'),
        ({"bins": (0, 50)}, "bins is"),
    ],
)
def test_other_settings_need_another_folder(change, words):
    measured(flat_system())
    before = files("out")
    system = change.pop("system", flat_system())
    with pytest.raises(InputError, match=f"holds another evaluation: {words}"):
        measured(system, **change)
    assert files("out") == before


def test_other_photos_need_another_folder():
    measured(flat_system())
    Image.new("RGB", (20, 16)).save("photos/a.png")
    with pytest.raises(
        InputError, match="items differ, the first of them a; give another"
    ):
        measured(flat_system())


def test_nothing_is_written_among_other_files(folder):
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        measured(flat_system())
    assert list(files("out")) == ["mine.txt"]
    with pytest.raises(InputError, match="is a file"):
        measured(flat_system(), "mask.png")


def test_predictions_of_another_system_are_measured(folder):
    for name, size in (("a", (16, 20)), ("b", (16, 20)), ("d", (9, 9))):
        pixels = np.asarray(Image.open(f"photos/{name}.png")).copy()
        if name == "b":
            pixels[-1] = 0  # a known row
        Path("theirs").mkdir(exist_ok=True)
        Image.fromarray(pixels[: size[0], : size[1]]).save(f"theirs/{name}.png")
    found = measured(predictions_system(Path("theirs")))
    assert (found.system, [image.psnr for image in found.images]) == (
        "theirs",
        [pytest.approx(100)] * 2,
    )
    assert "is 9 x 9, its picture 20 x 16" in found.failed["d"]
    lacking = "no prediction of its name in theirs: neither deep/c.png"
    assert found.failed["deep/c"].startswith(lacking)
    assert found.warnings[0].startswith("1 pictures (b first): the prediction differs")


def test_nothing_measured_is_an_error():
    Path("theirs").mkdir()
    Image.new("RGB", (20, 16)).save("theirs/other.png")
    with pytest.raises(InputError, match="no picture could be measured: a: no pred"):
        measured(predictions_system(Path("theirs")))


def test_fid_is_that_of_the_features_of_each_bin(monkeypatch):
    def mean_and_spread(pictures):
        return np.array([[p.mean(), p.std()] for p in pictures], np.float32)

    monkeypatch.setattr(measure, "FidFeatures", lambda _: mean_and_spread)
    monkeypatch.setattr(run, "FID_BATCH", 3)
    Path("weights.npz").write_bytes(b"some")
    found = measured(flat_system(), fid_weights=Path("weights.npz"))
    assert set(found.fid) == {"40-50%", "all"} and found.fid["all"] > 0
    assert "FID of 4 pictures: below 2,048" in found.warnings[0]
    monkeypatch.setattr(measure, "FidFeatures", lambda _: None)
    again = measured(flat_system(), fid_weights=Path("weights.npz"))
    assert again.fid == found.fid  # from the files: nothing could compute them


def test_the_summary_is_valid_json():
    measured(flat_system())
    text = Path("out/summary.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
