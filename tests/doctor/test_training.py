"""A run to come: ten planted faults are ten findings, and a sound folder has none."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.doctor.pictures import SIDE, mask, photo, save
from tf_edgeconnect.config import load_config
from tf_edgeconnect.doctor import check_training
from tf_edgeconnect.doctor.resources import LINE_BYTES, SHEET_BYTES
from tf_edgeconnect.doctor.settings import check_settings
from tf_edgeconnect.models.blocks import count_parameters
from tf_edgeconnect.models.discriminators import patch_discriminator


def networks(stage, config):
    """Stands in for the trainers': one small network."""
    return {"edge_discriminator": patch_discriminator(2, filters=4)}


def settings(data, *overrides):
    return load_config(
        None,
        [
            f"data.train={data.train}",
            f"data.val={data.val}",
            "data.size=64",
            "mask.kinds={external: 1}",
            f"mask.folder={data.masks}",
            *overrides,
        ],
    )


def check(data, tmp_path, *overrides, **options):
    config = settings(data, *overrides)
    return check_training(config, tmp_path / "run", networks, **options)


def saved_again(pixels: np.ndarray) -> np.ndarray:
    """The photo at another size and as a JPEG of low quality leaves it."""
    file = io.BytesIO()
    smaller = Image.fromarray(pixels).resize((80, 80), Image.Resampling.BICUBIC)
    smaller.save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def plant(data) -> dict[str, str]:
    """Plants ten faults; returns check -> the file that it has to name."""
    train, masks = data.train, data.masks
    (train / "text.jpg").write_bytes(b"no photo")
    Image.new("1", (10_001, 10_001)).save(train / "huge.png")
    save(train / "small.png", photo(20, 40, 80))
    save(train / "long.png", photo(21, 64, 400))
    save(train / "gray.png", photo(22)[..., 0])
    alpha = np.full((SIDE, SIDE, 1), 128, np.uint8)
    save(train / "clear.png", np.concatenate([photo(23), alpha], axis=-1))
    save(train / "blank.png", np.full((SIDE, SIDE, 3), (200, 40, 90), np.uint8))
    save(data.val / "again.png", saved_again(photo(5)))
    save(masks / "inverted.png", 255 - mask(30))
    save(masks / "soft.jpg", mask(31), quality=50)
    return {
        "unreadable": "text.jpg",
        "too-large": "huge.png",
        "small": "small.png",
        "long": "long.png",
        "gray": "gray.png",
        "transparent": "clear.png",
        "no-edges": "blank.png",
        "duplicates": "again.png = train/05.png",
        "inverted": "inverted.png",
        "gray-masks": "soft.jpg",
    }


def test_a_sound_folder_has_no_findings(data, tmp_path):
    checkup = check(data, tmp_path)
    assert [finding.line for finding in checkup.findings] == []
    assert checkup.is_clean


def test_ten_planted_faults_are_ten_findings_that_name_their_files(data, tmp_path):
    planted = plant(data)
    checkup = check(data, tmp_path)
    found = {finding.check: finding for finding in checkup.findings}
    assert len(checkup.findings) == len(found) == 10
    for check_name, file in planted.items():
        names = found[check_name].names
        assert len(names) == 1 and file in names[0], check_name
        assert "\n" not in found[check_name].line
    assert not checkup.is_clean


def test_unreadable_photos_are_an_error_only_where_they_stop_the_run(data, tmp_path):
    (data.train / "text.jpg").write_bytes(b"no photo")
    severities = [
        check(data, tmp_path, f"data.max_bad_fraction={share}").findings[0].severity
        for share in (0.01, 0.5)
    ]
    assert severities == ["error", "warning"]


def test_photos_held_out_of_the_same_folder_are_compared_with_the_rest(data, tmp_path):
    for number in range(12):
        save(data.train / f"copy{number:02d}.png", photo(number))
    config = ("data.val=null", "data.val_fraction=0.3")
    checks = [f.check for f in check(data, tmp_path, *config).findings]
    assert checks == ["duplicates"]


def test_exact_copies_are_found_beyond_the_sample(data, tmp_path):
    (data.val / "zz.png").write_bytes((data.train / "05.png").read_bytes())
    checkup = check(data, tmp_path, sample=1)
    assert checkup.findings[0].names == ("val/zz.png = train/05.png",)
    assert "looked into 2 of 17 photos" in " ".join(checkup.facts)


def test_all_that_is_wrong_is_told_at_once(data, tmp_path, monkeypatch):
    monkeypatch.setattr("tf_edgeconnect.doctor.resources.free_memory", lambda: 1000)
    overrides = [
        "data.train=/no/such/photos",
        "mask.folder=/no/such/masks",
        "losses.style=250",
        "losses.vgg_weights=/no/such/weights.h5",
    ]
    findings = check(data, tmp_path, *overrides, gpu_missed=True).findings
    told = {finding.check: finding.severity for finding in findings}
    errors = dict.fromkeys(["no-photos", "no-masks", "vgg", "memory"], "error")
    assert told == {**errors, "gpu": "warning"}


@pytest.mark.parametrize(
    ("override", "check_name", "severity"),
    [
        ("mask.hole_ratio=[0, 0.5]", "hole-ratio-range", "error"),
        ("data.val_fraction=0", "no-validation", "warning"),
        ("losses.vgg_weights=random", "random-vgg", "warning"),
        ("edge.sigma=-1", "edges-off", "note"),
    ],
)
def test_settings_that_nobody_wants_are_found(override, check_name, severity):
    config = load_config("places2", ["data.train=photos", "data.val=null"])
    assert check_settings(config) == []
    config = load_config("places2", ["data.train=photos", "data.val=null", override])
    found = [(finding.check, finding.severity) for finding in check_settings(config)]
    assert found == [(check_name, severity)]


def test_disk_is_counted_from_checkpoints_weights_sheets_and_log(
    data, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        "tf_edgeconnect.doctor.training.resources.check_disk",
        lambda folder, needed: asked.append(needed) or [],
    )
    plan = ("train.steps=100", "train.sample_every=50", "train.log_every=10")
    check(data, tmp_path, *plan, "train.keep_checkpoints=2")
    weights = 4 * count_parameters(networks(None, None)["edge_discriminator"].variables)
    # A stage: 3 checkpoints of weights and 2 moments, 2 folders of weights, 2 sheets
    # as PNG and in the log, 10 lines.
    stage = 3 * 3 * weights + 2 * weights + 2 * 2 * SHEET_BYTES + 10 * LINE_BYTES
    assert asked == [3 * stage]
