"""Files through the client: what a server cannot carry is kept all the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.client.command import main
from tf_edgeconnect.client.files import fill_job, fill_plan
from tf_edgeconnect.client.photos import fill_photo
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.jobs import Job, plan_jobs
from tf_edgeconnect.photos.reading import read_photo

ICC = b"profile" * 20
PROGRAM = Path(__file__).parents[2] / "serving" / "client.py"


@pytest.fixture
def folder(tmp_path):
    """Photos a (grey), b (RGBA with a profile and EXIF), c (16 bit), with masks."""
    random = np.random.default_rng(2)
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir(), masks.mkdir()
    exif = Image.Exif()
    exif[0x010E] = "a lake"
    Image.fromarray(random.integers(0, 256, (13, 21), np.uint8)).save(photos / "a.png")
    Image.fromarray(random.integers(0, 256, (16, 12, 4), np.uint8)).save(
        photos / "b.png", icc_profile=ICC, exif=exif
    )
    deep = random.integers(0, 2**16, (14, 14)).astype(np.uint16)
    Image.fromarray(deep).save(photos / "c.png")
    for name, size in (("a", (13, 21)), ("b", (16, 12)), ("c", (14, 14))):
        mask = np.zeros(size, np.uint8)
        mask[4:9, 3:8] = 255
        Image.fromarray(mask).save(masks / f"{name}.png")
    return tmp_path


def test_known_pixels_and_everything_beside_them_stay(client, folder):
    plan = plan_jobs(folder / "photos", folder / "masks", folder / "filled")
    assert fill_plan(client, plan) == {}
    for name in "abc":
        before = read_photo(folder / "photos" / f"{name}.png")
        after = read_photo(folder / "filled" / f"{name}.png")
        hole = np.asarray(Image.open(folder / "masks" / f"{name}.png")) > 0
        assert after.pixels.dtype == before.pixels.dtype
        np.testing.assert_array_equal(after.pixels[~hole], before.pixels[~hole])
        assert (after.pixels[hole] != before.pixels[hole]).any()
        assert after.metadata == before.metadata
        if before.alpha is not None:
            np.testing.assert_array_equal(after.alpha[~hole], before.alpha[~hole])


def test_one_bad_file_does_not_stop_the_rest(client, folder):
    (folder / "photos" / "b.png").write_bytes(b"no picture")
    seen = []
    plan = plan_jobs(folder / "photos", folder / "masks", folder / "filled")
    failed = fill_plan(client, plan, on_done=seen.append)
    assert [path.name for path in failed] == ["b.png"] and len(seen) == 3
    assert {path.name for path in (folder / "filled").iterdir()} == {"a.png", "c.png"}


def test_one_that_the_server_refuses_does_not_stop_the_rest(client, folder):
    large = np.zeros((80, 80, 3), np.uint8)
    Image.fromarray(large).save(folder / "photos" / "b.png")
    Image.fromarray(large[..., 0]).save(folder / "masks" / "b.png")
    plan = plan_jobs(folder / "photos", folder / "masks", folder / "filled")
    (reason,) = fill_plan(client, plan).values()
    assert reason.startswith("INVALID_ARGUMENT")


def test_a_drawing_is_followed(client, folder):
    drawing = np.zeros((16, 12), np.uint8)
    drawing[5] = 255
    Image.fromarray(drawing).save(folder / "lines.png")
    photo, mask = folder / "photos" / "b.png", folder / "masks" / "b.png"
    fill_job(client, Job(photo, mask, folder / "out.png", folder / "lines.png"))
    filled = read_photo(folder / "out.png").pixels
    assert (filled[5, 3:8] == 255).all() and (filled[6, 3:8] == 0).all()


@pytest.mark.parametrize("large", ["auto", "crop", "tile"])
def test_a_photo_that_the_server_would_refuse_goes_in_parts(client, large):
    image = np.random.default_rng(5).integers(0, 256, (150, 110, 3), np.uint8)
    hole = np.zeros((150, 110), bool)
    hole[3:20, 90:] = hole[60:140, 30:40] = True
    filled = fill_photo(client, image, hole, large=large, side=64)
    np.testing.assert_array_equal(filled, np.where(hole[..., None], 255 - image, image))
    drawing = np.zeros((150, 110), np.uint8)
    drawing[:, 35] = 200
    filled = fill_photo(client, image, hole, drawing, large=large, side=64)
    expected = np.where(hole[..., None], drawing[..., None], image)
    np.testing.assert_array_equal(filled, expected)


def test_drawings_for_parts_are_checked_as_a_whole():
    hole = np.zeros((600, 600), bool)
    for drawing, words in [
        (np.full((600, 600), 255, np.uint8), "100% white, so it seems inverted"),
        (np.zeros((600, 601), np.uint8), r"size \(600, 600\), got \(600, 601\)"),
    ]:
        with pytest.raises(InputError, match=words):
            fill_photo(None, np.zeros((600, 600, 3), np.uint8), hole, drawing)


def test_the_command_names_what_failed(ports, folder, capsys):
    (folder / "photos" / "c.png").write_bytes(b"no picture")
    paths = [str(folder / name) for name in ("photos", "masks", "filled")]
    arguments = [*paths[:2], "-o", paths[2], "--server", f"127.0.0.1:{ports[0]}"]
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert told.out == f"2 of 3 photos written to {paths[2]}\n"
    assert "failed: " in told.err and "c.png" in told.err


def test_the_program_shows_no_notes_of_tensorflow(ports, folder):
    told = subprocess.run(
        [sys.executable, PROGRAM, "photos", "masks", "-o", "filled"]
        + ["--server", f"127.0.0.1:{ports[0]}", "--concurrent", "1"],
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert told.stderr == "[1/3] a.png\n[2/3] b.png\n[3/3] c.png\n"
    assert told.stdout == "3 of 3 photos written to filled\n"


def test_grpc_alone_is_told_before_and_a_missing_package_is_left_to_the_client(folder):
    def missing():
        calls.append(address)
        raise ModuleNotFoundError("tensorflow")

    calls = []
    paths = [str(folder / name / "a.png") for name in ("photos", "masks", "filled")]
    for address in ("http://127.0.0.1:1", "127.0.0.1:1"):
        where = ["--server", address, "--timeout", "0.1"]
        assert main([*paths[:2], "-o", paths[2], *where], before_grpc=missing) == 1
    assert calls == ["127.0.0.1:1"]


def test_the_command_refuses_wrong_input_in_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "x.png"), "m.png", "-o", "o.png"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
