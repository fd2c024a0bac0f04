"""Files through a server as a model: what it cannot carry is kept all the same."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.files import fill_file
from tf_edgeconnect.photos.jobs import Job
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


@pytest.fixture
def inpainter(client):
    return Inpainter(client)


@pytest.fixture(params=["grpc", "rest"])
def inpaint(addresses, folder, request, capsys):
    """Fills the folder of photos by the command: exit code, stdout, stderr."""

    def command(*options):
        model = addresses[request.param == "rest"]
        paths = [folder / "photos", folder / "masks", "-o", folder / "filled"]
        code = run(["inpaint", *map(str, paths), "--model", model, *options])
        return code, *capsys.readouterr()

    return command


@pytest.mark.parametrize("at_once", ["1", "4"])
def test_known_pixels_and_everything_beside_them_stay(inpaint, folder, at_once):
    code, out, err = inpaint("--concurrent", at_once)
    assert (code, out) == (0, f"3 of 3 photos written to {folder / 'filled'}\n")
    assert "model: the server " in err
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


def test_one_that_fails_here_or_there_does_not_stop_the_rest(inpaint, folder):
    (folder / "photos" / "b.png").write_bytes(b"no picture")
    large = np.zeros((80, 80, 3), np.uint8)
    Image.fromarray(large).save(folder / "photos" / "c.png")
    Image.fromarray(large[..., 0] + 255).save(folder / "masks" / "c.png")
    code, out, err = inpaint("--large", "full")
    assert (code, out) == (1, f"1 of 3 photos written to {folder / 'filled'}\n")
    assert "b.png is not an image" in err and "c.png: INVALID_ARGUMENT: " in err
    assert [path.name for path in (folder / "filled").iterdir()] == ["a.png"]


def test_edges_are_followed(inpainter, folder):
    edges = np.zeros((16, 12), np.uint8)
    edges[5] = 255
    Image.fromarray(edges).save(folder / "edges.png")
    photo, mask = folder / "photos" / "b.png", folder / "masks" / "b.png"
    fill_file(inpainter, Job(photo, mask, folder / "out.png", folder / "edges.png"))
    filled = read_photo(folder / "out.png").pixels
    assert (filled[5, 3:8] == 255).all() and (filled[6, 3:8] == 0).all()


@pytest.mark.parametrize("large", ["auto", "crop", "tile"])
def test_a_photo_that_the_server_would_refuse_goes_in_parts(client, large):
    client.max_pixels = 64 * 64
    inpainter = Inpainter(client)
    image = np.random.default_rng(5).integers(0, 256, (150, 110, 3), np.uint8)
    hole = np.zeros((150, 110), bool)
    hole[3:20, 90:] = hole[60:140, 30:40] = True
    filled = inpainter.paint(image, hole, large=large)
    np.testing.assert_array_equal(filled, np.where(hole[..., None], 255 - image, image))
    edges = np.zeros((150, 110), np.uint8)
    edges[:, 35] = 200
    filled = inpainter.paint(image, hole, edges, large=large)
    expected = np.where(hole[..., None], edges[..., None], image)
    np.testing.assert_array_equal(filled, expected)


def test_completed_edges_come_by_each_way(inpainter, batch):
    image, mask = batch
    result = inpainter(image, mask)
    np.testing.assert_array_equal(result.image, np.where(mask > 0, 255 - image, image))
    np.testing.assert_array_equal(result.edges, mask)
    edges = np.zeros_like(mask)
    edges[:, 3] = 200
    result = inpainter(image, mask, edges)
    np.testing.assert_array_equal(result.edges, np.where(mask > 0, edges, 0))
    np.testing.assert_array_equal(inpainter.predict_edges(image, mask), mask)


def test_a_server_that_is_not_there_is_one_line_and_1(folder, capsys):
    paths = [str(folder / name / "a.png") for name in ("photos", "masks", "filled")]
    model = ["--model", "http://127.0.0.1:1", "--timeout", "0.1"]
    assert run(["inpaint", *paths[:2], "-o", paths[2], *model]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("error: the server answered UNAVAILABLE: ")


def test_the_program_shows_no_notes_of_tensorflow(addresses, folder):
    server = addresses[0].removeprefix("grpc://")
    told = subprocess.run(
        [sys.executable, PROGRAM, "photos", "masks", "-o", "filled"]
        + ["--server", server, "--version", "2"],
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert told.stdout == "3 of 3 photos written to filled\n"
    assert f"model: the server grpc://{server}/edgeconnect?version=2" in told.stderr
    assert "oneDNN" not in told.stderr and "cuda" not in told.stderr


@pytest.mark.parametrize(
    ("given", "model"),
    [
        ([], "grpc://127.0.0.1:8500/edgeconnect"),
        (["--server", "h:1", "--model", "m"], "grpc://h:1/m"),
        (["--label", "canary"], "grpc://127.0.0.1:8500/edgeconnect?label=canary"),
        (
            ["--server", "http://h:1", "--version", "3"],
            "http://h:1/edgeconnect?version=3",
        ),
        (
            ["--server", "h:1", "--ca", "a/b.pem"],
            "grpcs://h:1/edgeconnect?ca=a%2Fb.pem",
        ),
    ],
)
def test_the_program_spells_the_address(given, model):
    spec = importlib.util.spec_from_file_location("client", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    made = module.arguments(["a.png", "m.png", "-o", "o.png", *given])
    assert made == ["inpaint", "a.png", "m.png", "-o", "o.png", "--model", model]
