"""Whole runs in this process: stages, resuming, and what a user gets wrong."""

import contextlib
import io
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.trainers.tiny_run import config, journal, same, weights
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import (
    load_networks,
    read_meta,
    resolve,
    save_networks,
)
from tf_edgeconnect.trainers import health, run_loop
from tf_edgeconnect.trainers.run import describe, train
from tf_edgeconnect.trainers.run_data import RunData, first_examples
from tf_edgeconnect.trainers.run_directory import check_directory, save_settings
from tf_edgeconnect.trainers.run_loop import Outcome
from tf_edgeconnect.trainers.run_networks import (
    RateSchedule,
    adopt_architecture,
    build_networks,
    load_earlier_weights,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run whose edge stage is done, and what it printed.

    Its health is watched over two steps, and any loss that is more than half is told.
    """
    run_dir = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "WINDOW", 2)
        patch.setattr(health, "LARGEST_SHARE", 0.5)
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            outcome = train("edge", config(), run_dir, profile=True)
    assert outcome is Outcome.FINISHED
    return run_dir, printed.getvalue()


@pytest.fixture(scope="module")
def finished(trained):
    """The directory of that run."""
    return trained[0]


@pytest.fixture
def going_on(finished, tmp_path):
    """A copy of `finished` to train on."""
    return shutil.copytree(finished, tmp_path / "run")


def test_a_finished_run_has_its_files(finished):
    names = {
        str(path.relative_to(finished))
        for path in finished.rglob("*")
        if path.is_file()
    }
    expected = {
        "config.yaml",
        "metrics.jsonl",
        "checkpoints/edge/checkpoint",
        "checkpoints/edge/ckpt-6.index",
        "weights/edge/model.json",
        "weights/edge/edge_generator.weights.h5",
        "weights/edge/edge_discriminator.weights.h5",
        "samples/edge-0000000.png",
        "samples/edge-0000006.png",
    }
    assert expected <= names
    assert any(name.startswith("logs/edge/events") for name in names)
    # The profile, of fewer steps than asked for.
    assert sum(name.endswith(".xplane.pb") for name in names) == 1
    meta = read_meta(finished / "weights" / "edge")
    assert (meta["stage"], meta["step"], meta["sigma"]) == ("edge", 6, 0.5)


def test_the_journal_holds_each_step_and_validation_once(finished):
    lines = journal(finished)
    assert [x["step"] for x in lines if "edge/d_loss" in x] == [1, 2, 3, 4, 5, 6]
    assert [x["step"] for x in lines if "val/base_rate" in x] == [0, 3, 6]
    assert all(np.isfinite(x["edge/d_loss"]) for x in lines if "edge/d_loss" in x)


def test_a_run_prints_its_warnings(trained):
    warning = "warning: over the last 2 steps edge/feature_matching makes up"
    assert trained[1].count(warning) == 1


def test_a_finished_stage_says_how_to_extend_it(finished, capsys):
    before = weights(finished)
    assert train("edge", config(), finished) is Outcome.FINISHED
    assert "finished at step 6; to train longer" in capsys.readouterr().err
    assert same(weights(finished), before)


def test_all_stages_follow_each_other_and_a_model_takes_the_last(going_on, capsys):
    run_dir = going_on
    for stage in ("inpaint", "edge-inpaint", "joint"):
        assert train(stage, config("train.steps=1"), run_dir) is Outcome.FINISHED
    said = capsys.readouterr().err
    assert "edge-inpaint: edge generator starts from" in said
    assert f"joint: edge generator starts from {run_dir}/weights/edge-inpaint" in said
    assert "losses.perceptual and losses.style are 0" in said
    assert "--set losses.style=250" in said
    folders = resolve(run_dir)
    assert folders["edge_generator"] == run_dir / "weights" / "joint"
    assert folders["inpaint_generator"] == run_dir / "weights" / "joint"


def test_joint_from_scratch_warns(tmp_path):
    said, networks = [], build_networks("joint", config())
    load_earlier_weights("joint", networks, tmp_path, None, said.append)
    assert said[0].startswith("warning: joint: edge generator starts from scratch")
    assert said[1].startswith("warning: joint: inpaint generator starts from scratch")


def test_init_from_starts_at_step_0_with_weights_and_averages_of_another_run(
    finished, tmp_path
):
    slow = config("train.steps=1", "train.learning_rate=1e-30", "train.ema=0.9")
    train("edge", slow, tmp_path / "run", init_from=finished)
    lines = journal(tmp_path / "run")
    assert [x["step"] for x in lines] == [0, 1, 1]
    meta = read_meta(tmp_path / "run" / "weights" / "edge")
    assert meta["step"] == 1 and meta["init_from"] == str(finished)
    before, after = weights(finished), weights(tmp_path / "run")
    for (name, old), new in zip(before.items(), after.values(), strict=True):
        if not name.endswith(("/u", "/v", "step")):
            np.testing.assert_array_equal(old, new, err_msg=name)
    end = [x for x in journal(finished) if x["step"] == 6][-1]
    assert lines[0]["val/average_precision"] == pytest.approx(
        end["val/average_precision"], rel=1e-3
    )


def test_a_resumed_stage_keeps_the_record_of_where_it_began(finished, capsys):
    assert train("edge", config(), finished, init_from="late") is Outcome.FINISHED
    said = capsys.readouterr().err
    assert "--init-from late is ignored" in said
    assert read_meta(finished / "weights" / "edge")["init_from"] is None


def test_checkpoints_match_variables_by_name(finished):
    names = dict(tf.train.list_variables(str(finished / "checkpoints/edge/ckpt-6")))
    kernel = "encoder_1.Skernel/.ATTRIBUTES/VARIABLE_VALUE"
    assert names[f"named/edge_generator.Sedge_generator.S{kernel}"] == [7, 7, 3, 4]


def test_checkpoints_of_an_earlier_version_are_refused(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints" / "edge"
    shutil.rmtree(folder)
    by_place = tf.train.Checkpoint(networks=[tf.Variable(1.0)])
    tf.train.CheckpointManager(by_place, folder, 1).save(3)
    with pytest.raises(
        InputError, match=f"another --run-dir and --init-from {tmp_path}/run"
    ):
        train("edge", config(), tmp_path / "run")


def test_averages_cannot_be_switched_off_in_the_middle(finished):
    with pytest.raises(InputError, match=r"has train\.ema, the last loss .* changed\?"):
        train("edge", config("train.steps=8", "train.ema=0"), finished)


def test_photos_in_a_row_that_cannot_be_decoded_are_named(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    encoded = tf.io.encode_jpeg(noise).numpy()
    for name, end in (("a.jpg", 2000), ("b.jpg", 2000), ("c.jpg", None)):
        (photos / name).write_bytes(encoded[:end])
    (tmp_path / "cut.txt").write_text("photos/a.jpg\nphotos/b.jpg")
    (tmp_path / "whole.txt").write_text("photos/c.jpg")
    cut = config(f"data.train={tmp_path}/cut.txt", f"data.val={tmp_path}/whole.txt")
    with pytest.raises(InputError, match="2 photos in a row cannot be decoded") as told:
        train("edge", cut, tmp_path / "run")
    assert "photos/a.jpg" in str(told.value) and "photos/b.jpg" in str(told.value)


def test_validation_without_a_single_photo_is_refused():
    batches = tf.data.Dataset.from_tensors(
        dict.fromkeys(("image", "gray", "edge", "mask"), tf.zeros((1, 4, 4, 1)))
    )
    assert len(first_examples(batches, 3)["mask"]) == 1
    with pytest.raises(InputError, match="no validation photo can be decoded"):
        first_examples(batches.take(0), 3)


def test_a_resumed_run_says_what_changed(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in "abc":
        noise = np.random.default_rng(ord(name)).integers(0, 255, (30, 30, 3), np.uint8)
        Image.fromarray(noise).save(photos / f"{name}.png")

    def call(*settings):
        said = []
        options = [f"data.train={photos}", "data.val=sample:held-out", *settings]
        data = RunData(config(*options), None, lambda line: None)
        sources = {"training": data.training, "validation": data.held_out}
        save_settings(tmp_path / "run", config(*options), sources, said.append)
        return said

    assert call("train.steps=2") == []
    assert call("train.steps=3", "mask.kinds={half: 1}") == [
        "settings changed since the last call: mask.kinds was {'block': 1.0}, is "
        "{'half': 1.0}; train.steps was 2, is 3"
    ]
    same = "train.steps=3", "mask.kinds={half: 1}"
    call(*same, "train.learning_rate={edge: 1e-3}")
    (said,) = call(*same, "train.learning_rate={edge: 2e-3}")
    assert said.endswith("call: train.learning_rate.edge was 0.001, is 0.002")
    (photos / "b.png").unlink()
    (said,) = call(*same, "train.learning_rate={edge: 2e-3}")
    assert said.startswith(
        "warning: the photos for training have changed since the last call (3"
    )


def test_edge_inpaint_needs_an_edge_generator(tmp_path):
    with pytest.raises(InputError, match="needs a trained edge generator"):
        train("edge-inpaint", config(), tmp_path / "run")


def test_another_architecture_is_refused_and_nothing_changes(finished):
    before = (finished / "config.yaml").read_bytes()
    with pytest.raises(InputError, match="model.filters was 4, is 8"):
        train("edge", config("model.filters=8"), finished)
    assert (finished / "config.yaml").read_bytes() == before


def test_init_from_another_architecture_is_refused(finished, tmp_path):
    # Options such as `edge_norm` are no settings; the design is.
    with pytest.raises(InputError, match="edge_norm .* or model.design to match"):
        train("edge", config("model.design=quick"), tmp_path / "r", init_from=finished)


def test_a_start_takes_the_design_of_a_model_but_not_a_mixture(tmp_path):
    quick = {"inpaint_generator": inpaint_generator(4, 1, "quick")}
    save_networks(tmp_path / "quick", quick, {})
    model = adopt_architecture(config(), tmp_path / "quick").model
    assert (model.filters, model.residual_blocks, model.design) == (4, 1, "quick")
    mixed = {"edge_generator": edge_generator(4, 1, hole_fill="push_pull")}
    save_networks(tmp_path / "mixed", mixed, {})
    assert "edge_generator" in load_networks(tmp_path / "mixed")[0]
    with pytest.raises(InputError, match="mixes both designs"):
        adopt_architecture(config(), tmp_path / "mixed")


def test_fresh_asks_for_an_empty_directory(finished):
    with pytest.raises(InputError, match="--fresh needs an empty run directory"):
        train("edge", config(), finished, fresh=True)


def test_the_scan_of_a_run_that_could_not_start_does_not_count_as_a_run(tmp_path):
    (tmp_path / "scans").mkdir()
    check_directory(tmp_path, config(), fresh=True)
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="--fresh needs an empty"):
        check_directory(tmp_path, config(), fresh=True)


def test_a_dry_run_says_what_will_be_kept_as_png_and_leaves_nothing(tmp_path):
    for name in ("photos", "masks"):
        (tmp_path / name).mkdir()
    for gray in (0, 80, 160):
        picture = Image.new("RGB", (40, 32), (gray, gray, gray))
        picture.save(tmp_path / "photos" / f"{gray}.tif")
    hole = np.zeros((32, 40), np.uint8)
    hole[4:9] = 255
    white = Image.new("L", (40, 32), 255)
    Image.merge("LA", [white, Image.fromarray(hole)]).save(tmp_path / "masks/a.png")
    settings = config(
        f"data.train={tmp_path / 'photos'}",
        "data.val_fraction=0.4",
        "mask.kinds={external: 1}",
        f"mask.folder={tmp_path / 'masks'}",
    )
    before, said = sorted(tmp_path.rglob("*")), []
    describe("edge", settings, tmp_path / "run", said.append)
    (line,) = [line for line in said if line.startswith("read as PNG")]
    assert "4 files, 0.0 MB" in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_directory_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        train("edge", config(), tmp_path / "file" / "run")


@pytest.mark.parametrize(
    "wrong",
    [
        ["data.train=nowhere"],
        ["losses.style=250", "losses.vgg_weights=nowhere"],
        ["data.size=32", "losses.lpips=1", "losses.lpips_weights=nowhere"],
        ["mask.folder=nowhere", "mask.kinds={external: 1}"],
    ],
)
def test_a_run_that_cannot_start_leaves_nothing_behind(wrong, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        train("inpaint", config(*wrong), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [(["data.size=32"], "lpips_weights=FILE"), (["losses.lpips_weights=x"], "31")],
)
def test_lpips_that_cannot_be_computed_is_refused(settings, message, tmp_path):
    with pytest.raises(InputError, match=message):
        train("inpaint", config("losses.lpips=1", *settings), tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_its_batch(going_on):
    before = weights(going_on)
    with pytest.raises(InputError, match="became NaN or infinite at step 8"):
        # Step 7 throws the weights far away, step 8 finds out.
        broken = config("train.learning_rate=1e30", "train.steps=10")
        train("edge", broken, going_on)
    kept = np.load(going_on / "nonfinite" / "edge-step-8.npz")
    assert kept["position"].tolist() == [14, 15]
    assert kept["image"].shape == (2, 24, 24, 3)
    assert same(weights(going_on), before)
    latest = tf.train.latest_checkpoint(going_on / "checkpoints" / "edge")
    assert latest.endswith("ckpt-6")


def test_figures_are_fetched_at_looks_and_the_first_bad_step_is_still_found(
    tmp_path, monkeypatch
):
    looks, look = [], run_loop.StageLoop._look
    monkeypatch.setattr(run_loop, "LOOK_SECONDS", 1e9)  # none for the sake of time
    monkeypatch.setattr(
        run_loop.StageLoop,
        "_look",
        lambda self, step: looks.append(step) or look(self, step),
    )
    # Step 10 throws the weights far away.
    monkeypatch.setattr(
        RateSchedule, "rate", lambda self, step: 1e30 if step >= 9 else 1e-3
    )
    rare = [f"train.{name}_every=8" for name in ("log", "validate", "sample")]
    settings = config("train.steps=20", "train.checkpoint_every=5", *rare)
    with pytest.raises(InputError, match="became NaN or infinite at step 11;"):
        train("edge", settings, tmp_path / "run")
    # The first two steps tell how long one takes.
    assert looks == [1, 2, 5, 8, 10, 15]
    kept = np.load(tmp_path / "run" / "nonfinite" / "edge-step-11.npz")
    assert kept["position"].tolist() == [20, 21]


def test_mirrored_over_one_device_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs at least two GPUs"):
        train("edge", config(), tmp_path / "run", strategy="mirrored")
