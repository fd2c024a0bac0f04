"""The command `inpaint` on files of all kinds, and on bad ones."""

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from tests.pictures import assert_filled, hole_of, pixels
from tf_edgeconnect.photos.metadata import Metadata
from tf_edgeconnect.photos.reading import Photo, read_photo
from tf_edgeconnect.photos.writing import write_photo

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CARRIED = Metadata(icc=PROFILE)


def test_a_photo_of_odd_sides_is_filled_in_silence(folder, inpaint):
    Image.fromarray(pixels(13, 30, 3)).save("photo.png")
    Image.fromarray(hole_of(13, 30)).save("mask.png")
    code, out, err = inpaint("photo.png", "mask.png", "-o", "out.png")
    assert (code, out, err) == (0, "written: out.png\n", "")
    assert_filled(read_photo("photo.png"), read_photo("out.png"), hole_of(13, 30))


def photo_of_kind(kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "a camera"
    rgb = Image.fromarray(pixels(16, 20, 3))
    palette = rgb.quantize(16)
    deep = np.uint16
    return {
        "gray.png": lambda: Image.fromarray(pixels(16, 20)),
        "bits.png": lambda: Image.fromarray(pixels(16, 20) > 99),
        "palette.png": lambda: palette,
        "alpha.png": lambda: Image.fromarray(pixels(16, 20, 4)),
        "rotated.jpg": lambda: (rgb, {"exif": exif, "icc_profile": PROFILE}),
        "cmyk.jpg": lambda: rgb.convert("CMYK"),
        "photo.webp": lambda: rgb,
        "photo.bmp": lambda: rgb,
        "gray16.png": lambda: Photo(pixels(16, 20, 1, dtype=deep), metadata=CARRIED),
        "rgb16.png": lambda: Photo(pixels(16, 20, 3, dtype=deep), metadata=CARRIED),
        "rgba16.png": lambda: Photo(
            pixels(16, 20, 3, dtype=deep), alpha=pixels(16, 20, dtype=deep)
        ),
    }[kind]()


@pytest.mark.parametrize(
    "kind",
    ["gray.png", "bits.png", "palette.png", "alpha.png", "rotated.jpg", "cmyk.jpg"]
    + ["photo.webp", "photo.bmp", "gray16.png", "rgb16.png", "rgba16.png"],
)
def test_every_kind_of_photo_keeps_its_kind(folder, inpaint, kind):
    made = photo_of_kind(kind)
    if isinstance(made, Photo):
        write_photo(kind, made)
    else:
        image, options = made if isinstance(made, tuple) else (made, {})
        image.save(kind, **options)
    before = read_photo(kind)
    hole = hole_of(*before.size)
    Image.fromarray(hole).save("mask.png")
    code, _, err = inpaint(kind, "mask.png", "-o", "out.png")
    assert code == 0
    after = read_photo("out.png")
    assert_filled(before, after, hole)
    for name in ("icc", "exif", "xmp", "texts"):
        assert getattr(after.metadata, name) == getattr(before.metadata, name)
    if before.alpha is not None:
        top = np.iinfo(before.alpha.dtype).max  # the hole comes out opaque
        alpha = np.where(hole > 0, top, before.alpha)
        np.testing.assert_array_equal(after.alpha, alpha)
    if kind == "rotated.jpg":
        assert before.size == (20, 16) and before.metadata.icc and before.metadata.exif
    said = "is CMYK: converted to RGB" if kind == "cmyk.jpg" else ""
    assert said in err and err.count("\n") == 0


def test_a_photo_of_one_pixel_works(folder, inpaint):
    Image.fromarray(pixels(1, 1, 3)).save("dot.png")
    Image.fromarray(np.full((1, 1), True)).save("dot_mask.png")
    code, _, err = inpaint("dot.png", "dot_mask.png", "-o", "out.png")
    assert code == 0 and "all hole" in err
    assert read_photo("out.png").size == (1, 1)


def test_a_mask_of_another_size_is_resized_and_said_so(folder, inpaint):
    Image.fromarray(hole_of(16, 20)).resize((40, 32)).save("large.png")
    code, _, err = inpaint("photo.png", "large.png", "-o", "out.png")
    assert code == 0
    assert err == (
        "warning: photo.png: mask large.png is 40 x 32: resized to the photo's 20 x 16"
    )
    assert_filled(read_photo("photo.png"), read_photo("out.png"), hole_of(16, 20))


def test_one_path_takes_the_photos_own_transparency(folder, inpaint):
    hole = hole_of(16, 20)
    erased = np.dstack([pixels(16, 20, 3), np.where(hole, 0, 255).astype(np.uint8)])
    Image.fromarray(erased).save("erased.png")
    assert inpaint("erased.png", "-o", "out.png")[0] == 0
    after = read_photo("out.png")
    assert_filled(read_photo("erased.png"), after, hole)
    assert (after.alpha == 255).all()
    code, _, err = inpaint("photo.png", "-o", "new.png")
    assert code == 2 and "photo.png has no transparent part to fill" in err


def test_of_several_paths_the_last_is_the_mask_and_no_photo(folder, inpaint):
    Image.fromarray(pixels(16, 20, 3)).save("other.png")
    Image.fromarray(hole_of(16, 20).astype(np.uint8)).save("ones.png")
    code, out, err = inpaint("photo.png", "other.png", "ones.png", "-o", "out")
    assert (code, out) == (0, "2 of 2 photos written to out\n")
    assert err.count("the larger is taken as the hole") == 1
    code, _, err = inpaint("mask.png", "photo.png", "other.png", "-o", "new")
    assert code == 2 and err.count("\n") == 0
    assert "other.png is a colour photo, not a mask" in err and "--mask names" in err
    arguments = "photo.png", "other.png", "--mask", "mask.png", "-o", "named"
    assert inpaint(*arguments)[:2] == (0, "2 of 2 photos written to named\n")


def test_what_masks_have_in_common_is_said_once_a_folder(folder, inpaint):
    for name in "ab":
        for kind in ("photos", "masks"):
            (folder / kind).mkdir(exist_ok=True)
        Image.fromarray(pixels(16, 20, 3)).save(f"photos/{name}.png")
        Image.fromarray(hole_of(16, 20).astype(np.uint8)).save(f"masks/{name}.png")
    (folder / "photos/notes.txt").write_text("words")
    code, _, err = inpaint("photos", "masks", "-o", "out")
    assert code == 0
    assert (
        err.count("has only the values 0 and 1: the larger is taken as the hole") == 1
    )
    assert err.count("left out: photos/notes.txt: no image") == 1


def test_results_have_the_format_that_is_asked_for(folder, inpaint):
    before, hole = read_photo("photo.png"), hole_of(16, 20)
    (folder / "out").mkdir()
    for form in ("webp", "tiff", "png"):
        assert inpaint("photo.png", "mask.png", "-o", "out", "--format", form)[0] == 0
        assert_filled(before, read_photo(f"out/photo.{form}"), hole)
    arguments = "photo.png", "mask.png", "-o", "out", "--format", "jpg"
    code, _, err = inpaint(*arguments, "--quality", 50)
    assert code == 0 and "JPEG changes known pixels" in err
    assert read_photo("out/photo.jpg").size == (16, 20)


def test_a_feather_fades_in_and_says_that_a_rim_may_show(folder, inpaint):
    assert inpaint("photo.png", "mask.png", "-o", "hard.png")[0] == 0
    arguments = "photo.png", "mask.png", "-o", "soft.png", "--feather", 1
    code, _, err = inpaint(*arguments)
    assert code == 0 and "--feather 1 is more than --dilate 0: the rim" in err
    photo, hard, soft = (
        read_photo(f"{n}.png").pixels for n in ("photo", "hard", "soft")
    )
    rim = hole_of(16, 20)
    rim[5:8, 6:10] = False  # one pixel inside the border
    mean = (photo.astype(float) + hard) / 2
    np.testing.assert_allclose(soft[rim], mean[rim], atol=0.51)
    np.testing.assert_array_equal(soft[~rim], hard[~rim])


def test_names_with_spaces_brackets_and_other_scripts_work(folder, inpaint):
    home = folder / "a [b] {c} ä 写真"
    home.mkdir()
    Image.fromarray(pixels(16, 20, 3)).save(home / "eine Straße [1].png")
    code, out, _ = inpaint(home, "mask.png", "-o", folder / "out [2] ü")
    assert code == 0 and out.startswith("1 of 1 photos written")
    assert (folder / "out [2] ü" / "eine Straße [1].png").exists()


def test_a_mask_that_is_all_hole_is_painted_with_a_warning(folder, inpaint):
    Image.fromarray(np.ones((16, 20), bool)).save("mask.png")
    code, _, err = inpaint("photo.png", "mask.png", "-o", "out.png")
    assert code == 0
    assert err.startswith("warning: photo.png: the mask is all hole")


@pytest.mark.parametrize("large", ["full", "crop", "tile"])
def test_a_large_photo_runs_as_asked(folder, inpaint, large):
    Image.fromarray(pixels(300, 290, 3)).save("photo.png")
    hole = np.zeros((300, 290), bool)
    hole[9:30, 9:30] = hole[280:, 280:] = True
    Image.fromarray(hole).save("mask.png")
    arguments = ["photo.png", "mask.png", "--large", large]
    assert inpaint(*arguments, "-o", "out.png", "--save-edges")[0] == 0
    assert_filled(read_photo("photo.png"), read_photo("out.png"), hole)
    assert inpaint(*arguments, "-o", "lines.png", "--edges-only")[0] == 0
    np.testing.assert_array_equal(
        read_photo("lines.png").pixels, read_photo("out_edges.png").pixels
    )


def test_inverted_masks_and_grown_holes(folder, inpaint):
    Image.fromarray(~hole_of(16, 20)).save("inverted.png")
    inpaint("photo.png", "mask.png", "-o", "a.png")
    inpaint("photo.png", "inverted.png", "-o", "b.png", "--invert-mask")
    before, a, b = (read_photo(name) for name in ("photo.png", "a.png", "b.png"))
    np.testing.assert_array_equal(a.pixels, b.pixels)
    assert inpaint("photo.png", "mask.png", "-o", "c.png", "--dilate", 2)[0] == 0
    grown = np.zeros((16, 20), bool)
    rows, columns = np.where(hole_of(16, 20))
    grown[rows.min() - 2 : rows.max() + 3, columns.min() - 2 : columns.max() + 3] = True
    c = read_photo("c.png")
    assert_filled(before, c, grown)
    ring = grown & ~hole_of(16, 20)
    assert (c.pixels[ring] != before.pixels[ring]).any()


def test_edges_are_saved_edited_and_given_back(folder, inpaint):
    code, _, err = inpaint("photo.png", "mask.png", "-o", "a.png", "--save-edges")
    assert (code, err) == (0, "")
    assert inpaint("photo.png", "mask.png", "-o", "e.png", "--edges-only")[0] == 0
    saved, alone = read_photo("a_edges.png").pixels, read_photo("e.png").pixels
    np.testing.assert_array_equal(saved, alone)
    assert saved.shape == (16, 20, 1)
    hole = hole_of(16, 20)
    drawn = np.zeros((16, 20), np.uint8)
    drawn[6] = 255
    Image.fromarray(drawn).save("a_edges.png")
    arguments = ["--edges", "a_edges.png", "--overwrite"]
    assert inpaint("photo.png", "mask.png", "-o", "b.png", *arguments)[0] == 0
    before, a, b = (read_photo(name) for name in ("photo.png", "a.png", "b.png"))
    assert_filled(before, b, hole)
    assert (a.pixels[hole] != b.pixels[hole]).any()


def test_published_paints_along_other_edges(folder, inpaint):
    assert inpaint("photo.png", "mask.png", "-o", "a.png", "--published")[0] == 0
    assert_filled(read_photo("photo.png"), read_photo("a.png"), hole_of(16, 20))
