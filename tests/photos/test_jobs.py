"""Which photo goes with which mask and where its result lands."""

import os

import pytest
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.jobs import Job, plan_jobs


@pytest.fixture
def root(tmp_path):
    names = ["photos/a.jpg", "photos/b.png", "photos/deep/a.webp"]
    names += ["masks/a.png", "masks/deep/a.png", "masks/z.png", "mask.png"]
    names += ["edges/a.png", "edges/b.png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_one_photo_and_one_mask_go_to_a_file_or_into_a_folder(root):
    photo, mask = root / "photos/a.jpg", root / "mask.png"
    plan = plan_jobs(photo, mask, root / "out.png")
    assert plan.jobs == [Job(photo, mask, root / "out.png")]
    assert not plan.is_folder
    for folder in (root / "new", root / "masks/deep"):  # to be made, and there
        (job,) = plan_jobs(root / "photos/b.png", mask, folder).jobs
        assert job.output == folder / "b.png"


def test_one_photo_takes_its_mask_and_edge_map_out_of_folders(root):
    plan = plan_jobs(
        root / "photos/a.jpg", root / "masks", root / "out.png", root / "edges"
    )
    (job,) = plan.jobs
    assert (job.mask, job.edges) == (root / "masks/a.png", root / "edges/a.png")
    with pytest.raises(InputError, match="b.png: no mask of its name .*: neither b"):
        plan_jobs(root / "photos/b.png", root / "masks", root / "out.png")


def test_folders_are_paired_by_name_and_the_rest_is_listed(root):
    plan = plan_jobs(root / "photos", root / "masks", root / "out")
    assert plan.is_folder
    assert plan.jobs == [
        Job(root / "photos/a.jpg", root / "masks/a.png", root / "out/a.png"),
        Job(
            root / "photos/deep/a.webp",
            root / "masks/deep/a.png",
            root / "out/deep/a.png",
        ),
    ]
    assert list(plan.problems) == [root / "photos/b.png"]
    assert plan.unused == [root / "masks/z.png"]


def test_one_mask_serves_a_whole_folder(root):
    plan = plan_jobs(root / "photos", root / "mask.png", root / "out")
    assert [job.mask for job in plan.jobs] == [root / "mask.png"] * 3
    assert plan.unused == []


def test_photos_without_an_edge_map_are_listed(root):
    plan = plan_jobs(root / "photos", root / "mask.png", root / "out", root / "edges")
    assert [job.edges.name for job in plan.jobs] == ["a.png", "b.png"]
    assert "no edge map" in plan.problems[root / "photos/deep/a.webp"]


def test_edges_go_beside_the_result_when_asked(root):
    arguments = root / "photos/a.jpg", root / "mask.png", root / "out.jpg"
    assert plan_jobs(*arguments).jobs[0].edges_output is None
    (job,) = plan_jobs(*arguments, save_edges=True).jobs
    assert job.edges_output == root / "out_edges.png"


def test_results_of_an_earlier_run_below_the_photos_are_no_photos(root):
    (root / "photos/out").mkdir()
    (root / "photos/out/a.png").write_bytes(b"")
    plan = plan_jobs(root / "photos", root / "mask.png", root / "photos/out")
    assert len(plan.jobs) == 3


def test_no_result_lands_on_an_input(root):
    photo, mask = root / "photos/b.png", root / "mask.png"
    os.link(photo, root / "same.png")
    os.symlink(mask, root / "link.png")
    for output in (photo, mask, root / "same.png", root / "link.png", root / "photos"):
        with pytest.raises(InputError, match="is an input itself"):
            plan_jobs(photo, mask, output)
    edges = root / "out_edges.png"
    edges.write_bytes(b"drawn after an earlier run")
    plan_jobs(photo, mask, root / "out.png", edges)
    with pytest.raises(InputError, match="out_edges.png is an input itself"):
        plan_jobs(photo, mask, root / "out.png", edges, save_edges=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone.png", "mask.png", "out.png"), "photo .*gone.png does not exist"),
        (("photos", "gone", "out"), "mask .*gone does not exist"),
        (("photos", "masks", "out", "gone"), "edge map .*gone does not exist"),
        (("photos", "masks", "out.png"), "the output must be a folder"),
        (("photos", "masks", "out", "mask.png"), "edges must be a folder"),
        (("photos", "masks", "photos"), "is an input folder"),
        (("photos", "masks", "masks"), "is an input folder"),
        (("photos/a.jpg", "mask.png", "mask.png/out.png"), "lies below .*mask.png"),
        (("photos", "masks", "mask.png/out"), "lies below .*mask.png"),
        (("photos/a.jpg", "mask.png", "out.gif"), "must end in .png"),
    ],
)
def test_wrong_paths_are_named(root, arguments, words):
    arguments = [root / name for name in arguments]
    with pytest.raises(InputError, match=words) as raised:
        plan_jobs(*arguments)
    assert "\n" not in str(raised.value)


def test_folders_without_a_common_name_are_refused_with_examples(root):
    (root / "others").mkdir()
    (root / "others/x.png").write_bytes(b"")
    with pytest.raises(InputError, match="are a.jpg, b.png, deep/a.webp; no mask of"):
        plan_jobs(root / "photos", root / "others", root / "out")


def test_a_result_that_would_also_be_edges_is_refused(root):
    (root / "photos/a_edges.png").write_bytes(b"")
    with pytest.raises(InputError, match="written twice"):
        plan_jobs(root / "photos", root / "mask.png", root / "out", save_edges=True)


def test_several_files_go_to_a_folder(root):
    photos = [root / "photos/a.jpg", root / "photos/b.png"]
    plan = plan_jobs(photos, root / "mask.png", root / "out")
    assert [job.output.name for job in plan.jobs] == ["a.png", "b.png"]
    assert plan.is_folder
    with pytest.raises(InputError, match="several photos .* must be a folder"):
        plan_jobs(photos, root / "mask.png", root / "out.png")


def test_without_masks_the_photos_transparent_parts_are_to_be_filled(root):
    plan = plan_jobs(root / "photos", None, root / "out")
    assert [job.mask for job in plan.jobs] == [None] * 3


@pytest.mark.parametrize("is_named", [False, True])
def test_masks_beside_their_photos_are_no_photos(tmp_path, is_named):
    names = "k.png", "k_mask002.png", "k_mask001.png", "l.jpg", "l_mask.png", "m.png"
    for name in (*names, "n_mask.png", "deep/k.png", "deep/k_mask.png"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(name.encode())
    folder = tmp_path / "d"
    plan = plan_jobs(folder, folder if is_named else None, tmp_path / "out")
    found = {
        job.output.relative_to(tmp_path / "out").as_posix(): job for job in plan.jobs
    }
    assert {name: job.mask.name for name, job in found.items()} == {
        "deep/k.png": "k_mask.png",
        "k.png": "k_mask001.png",
        "k_mask002.png": "k_mask002.png",
        "l.png": "l_mask.png",
    }
    assert plan.problems == {
        folder / "m.png": "no mask m_mask",
        folder / "n_mask.png": "it is named like a mask, but there is no photo n",
    }
    assert plan.unused == []
    plan = plan_jobs(folder, None, tmp_path / "out", mask_suffix="_mask00")
    assert len(plan.jobs) == 2


def test_a_photo_is_not_its_own_mask(root):
    photo = root / "photos/a.jpg"
    with pytest.raises(InputError, match="a.jpg: it is its own mask"):
        plan_jobs(photo, photo, root / "out.png")
    with pytest.raises(InputError, match="no photo of .* it is its own mask"):
        plan_jobs(root / "photos", root / "photos", root / "out")


def test_photos_of_one_result_fail_alone(root):
    (root / "photos/a.png").write_bytes(b"another a")
    plan = plan_jobs(root / "photos", root / "mask.png", root / "out")
    assert [job.photo.name for job in plan.jobs] == ["b.png", "a.webp"]
    for name in ("a.jpg", "a.png"):
        assert "another photo's result is" in plan.problems[root / "photos" / name]


def test_results_that_exist_are_skipped_when_asked(root):
    (root / "out").mkdir()
    (root / "out/b.png").write_bytes(b"of an earlier run")
    plan = plan_jobs(root / "photos", root / "mask.png", root / "out")
    assert len(plan.jobs) == 3
    plan = plan_jobs(
        root / "photos", root / "mask.png", root / "out", skip_existing=True
    )
    assert [job.photo.name for job in plan.jobs] == ["a.jpg", "a.webp"]
    assert plan.existing == [root / "out/b.png"]


def test_results_have_the_form_that_is_asked_for_or_their_photos(root, caplog):
    folder = root / "photos"
    for name, form in {"a.jpg": "JPEG", "b.png": "GIF", "deep/a.webp": "WEBP"}.items():
        Image.new("L", (2, 2)).save(folder / name, form)
    for form, expected in {
        "webp": ["a.webp", "b.webp", "a.webp"],
        "same": ["a.jpg", "b.png", "a.webp"],
    }.items():
        plan = plan_jobs(folder, root / "mask.png", root / "out", form=form)
        assert [job.output.name for job in plan.jobs] == expected
    assert "b.png: GIF cannot be written; the result is PNG" in caplog.text


def test_what_is_no_image_is_listed_and_a_broken_link_stops_nothing(root):
    (root / "photos/notes.txt").write_text("words")
    (root / "photos/c.png").symlink_to("gone.png")
    plan = plan_jobs(root / "photos", root / "mask.png", root / "out")
    assert len(plan.jobs) == 4
    assert plan.not_images == [root / "photos/notes.txt"]
