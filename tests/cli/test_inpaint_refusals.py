"""What `inpaint` refuses or leaves out, and what it never overwrites."""

import numpy as np
import pytest
from PIL import Image

from tests.pictures import assert_filled, hole_of, pixels, png_header
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.photos.reading import read_photo


def make_bad(name):
    Image.fromarray(pixels(60, 60, 3)).save("whole.jpg")
    with open("whole.jpg", "rb") as file:
        whole = file.read()
    contents = {
        "text.jpg": b"these are words",
        "cut.jpg": whole[: len(whole) // 2],
        "empty.jpg": b"",
        "huge.png": png_header(20_000, 20_000),
    }
    with open(name, "wb") as file:
        file.write(contents[name])


BAD = {
    "text.jpg": "photo text.jpg is not an image that can be read",
    "cut.jpg": "photo cut.jpg is damaged or cut short: ",
    "empty.jpg": "photo empty.jpg is empty (0 bytes)",
    "huge.png": "photo huge.png is larger than 100 megapixels; make it smaller first",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_photo_is_one_line_and_2(folder, inpaint, name):
    make_bad(name)
    code, out, err = inpaint(name, "mask.png", "-o", "out.png")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {BAD[name]}") and err.count("\n") == 0
    assert not (folder / "out.png").exists()


def test_one_bad_photo_does_not_stop_the_rest(folder, inpaint):
    (folder / "photos").mkdir()
    for name in ("a.png", "z.jpg"):
        Image.fromarray(pixels(16, 20, 3)).save(f"photos/{name}")
    for name in BAD:
        make_bad(name)
        (folder / name).rename(folder / "photos" / name)
    code, out, err = inpaint("photos", "mask.png", "-o", "out")
    assert code == 1
    assert out == "2 of 6 photos written to out\n"
    for name, words in BAD.items():
        assert f"failed: photos/{name}: {words.replace(name, f'photos/{name}')}" in err
    for name in ("a.png", "z.jpg"):
        before = read_photo(f"photos/{name}")
        after = read_photo(f"out/{name[0]}.png")
        assert_filled(before, after, hole_of(16, 20))
    assert "Traceback" not in err


def test_a_mask_without_hole_is_a_failed_photo_unless_it_is_allowed(folder, inpaint):
    Image.fromarray(np.zeros((16, 20), bool)).save("mask.png")
    code, out, err = inpaint("photo.png", "mask.png", "-o", "out.png")
    assert (code, out) == (2, "")
    assert err.startswith("error: mask mask.png has no hole to fill")
    assert not (folder / "out.png").exists()
    (folder / "photos").mkdir()
    (folder / "photo.png").rename("photos/a.png")
    code, out, err = inpaint("photos", "mask.png", "-o", "out")
    assert (code, out) == (1, "0 of 1 photos written to out\n")
    assert "failed: photos/a.png: mask mask.png has no hole" in err
    code, _, err = inpaint("photos", "mask.png", "-o", "out", "--allow-empty")
    assert code == 0 and "the mask has no hole: the photo stays as it is" in err
    np.testing.assert_array_equal(
        read_photo("out/a.png").pixels, read_photo("photos/a.png").pixels
    )


def test_results_that_exist_are_left_when_asked(folder, inpaint):
    assert inpaint("photo.png", "mask.png", "-o", "out.png")[0] == 0
    made = (folder / "out.png").read_bytes()
    arguments = "photo.png", "mask.png", "-o", "out.png", "--skip-existing"
    assert inpaint(*arguments)[:2] == (0, "there before: out.png\n")
    assert (folder / "out.png").read_bytes() == made
    code, _, err = inpaint(*arguments, "--overwrite")
    assert code == 2 and "exclude each other" in err


def test_results_are_replaced_only_when_asked(folder, inpaint):
    (folder / "photos").mkdir()
    (folder / "photo.png").rename(folder / "photos" / "photo.png")
    assert inpaint("photos", "mask.png", "-o", "out")[0] == 0
    (folder / "out/photo.png").write_bytes(b"mine")
    code, _, err = inpaint("photos", "mask.png", "-o", "out")
    assert code == 1
    assert "output out/photo.png exists; pass --overwrite" in err
    assert (folder / "out/photo.png").read_bytes() == b"mine"
    assert inpaint("photos", "mask.png", "-o", "out", "--overwrite")[0] == 0
    assert read_photo("out/photo.png").size == (16, 20)


def test_names_that_do_not_pair_are_listed_and_the_rest_is_done(folder, inpaint):
    for name in ("photos/a.png", "photos/b.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels(16, 20, 3)).save(name)
    (folder / "masks").mkdir()
    for name in ("masks/a.png", "masks/c.png"):
        Image.fromarray(hole_of(16, 20)).save(name)
    code, out, err = inpaint("photos", "masks", "-o", "out")
    assert (code, out) == (1, "1 of 2 photos written to out\n")
    assert "warning: no photo belongs to masks/c.png" in err
    assert "failed: photos/b.png: no mask of its name in masks" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "mask.png/out.png"], "output mask.png/out.png lies below mask.png"),
        (["-o", "photo.png"], "output photo.png is an input itself"),
        (["-o", "mask.png", "--overwrite"], "output mask.png is an input itself"),
        (["-o", "out.gif"], "output out.gif must end in .png"),
        (["-o", "there.png"], "output there.png exists; pass --overwrite"),
        (["-o", "o.png", "--edges", "white.png"], "inverted"),
        (["-o", "o.png", "--edges", "small.png"], "edges must be uint8 of the mask's"),
        (["-o", "o.png", "--edges", "e.png"], "edge map e.png does not exist"),
        (["-o", "o.png", "--edges", "e.png", "--edges-only"], "exclude each other"),
        (["-o", "o.png", "--edges", "e.png", "--published"], "exclude each other"),
        (["-o", "o.png", "--edges-only", "--save-edges"], "exclude each other"),
        (["-o", "o.png", "--published", "--large", "crop"], "exclude each other"),
        (["-o", "o.png", "--large", "half"], "'auto', 'full', 'crop', 'tile'"),
        (["-o", "o.png", "--dilate", "-1"], "--dilate"),
        ([], "Missing option '--output'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(folder, inpaint, arguments, words):
    Image.fromarray(np.full((16, 20), 255, np.uint8)).save("white.png")
    Image.fromarray(np.zeros((3, 4), np.uint8)).save("small.png")
    (folder / "there.png").write_bytes(b"kept")
    inputs = {name: (folder / name).read_bytes() for name in ("photo.png", "mask.png")}
    code, out, err = inpaint("photo.png", "mask.png", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and words in err and err.count("\n") == 0
    assert (folder / "there.png").read_bytes() == b"kept"
    assert not (folder / "o.png").exists()
    for name, data in inputs.items():
        assert (folder / name).read_bytes() == data


def test_a_model_that_is_not_there_is_told(folder, capsys):
    arguments = ["photo.png", "mask.png", "-o", "out.png", "--model", "gone"]
    assert run(["inpaint", *arguments]) == 2
    assert "expected a run directory" in capsys.readouterr().err


def test_the_model_that_is_taken_is_named(folder, tiny_run, capsys):
    Image.fromarray(np.zeros((16, 20), bool)).save("mask.png")  # so nothing runs
    arguments = ["photo.png", "mask.png", "-o", "out.png", "--model", str(tiny_run)]
    assert run(["inpaint", *arguments, "--allow-empty"]) == 0
    assert "weights/joint (stage joint, step 7)" in capsys.readouterr().err
