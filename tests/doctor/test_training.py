"""A run to come: ten planted faults are ten findings, and a sound folder has none."""

import numpy as np
from PIL import Image

from tests.doctor.pictures import SIDE, mask, photo, save
from tf_edgeconnect.config import load_config
from tf_edgeconnect.data import edge_files
from tf_edgeconnect.doctor import Report
from tf_edgeconnect.doctor.runs import check_training
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.storage import save_networks


def networks(stage, config):
    """Stands in for the trainers': one small network."""
    return {"edge_discriminator": patch_discriminator(2, filters=4)}


NO_EDGES = "edge.sigma=-1"  # spares the tracing of Canny where edges do not matter


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


def check(data, *overrides, **options) -> Report:
    report = Report()
    check_training(report, settings(data, *overrides), networks, **options)
    return report


def plant(data) -> dict[str, str]:
    """Plants ten faults; returns check -> the file that it has to name."""
    train, masks = data.train, data.masks
    (train / "text.jpg").write_bytes(b"no photo")
    Image.new("1", (10_001, 10_001)).save(data.val / "huge.png")
    save(train / "small.png", photo(20, 40, 80))
    save(train / "long.png", photo(21, 64, 400))
    save(train / "blank.png", np.full((SIDE, SIDE, 3), (200, 40, 90), np.uint8))
    save(masks / "inverted.png", 255 - mask(30))
    save(masks / "empty.png", np.zeros((SIDE, SIDE), np.uint8))
    save(masks / "white.png", np.full((SIDE, SIDE), 255, np.uint8))
    save(masks / "soft.jpg", mask(31), quality=50)
    (masks / "cut.png").write_bytes(b"")
    return {
        "text.jpg": "unreadable-photos",
        "huge.png": "unreadable-photos",
        "small.png": "small",
        "long.png": "long",
        "blank.png": "no-edges",
        "inverted.png": "inverted",
        "empty.png": "no-hole",
        "white.png": "all-hole",
        "soft.jpg": "gray-masks",
        "cut.png": "unreadable-masks",
    }


def test_a_sound_folder_has_no_findings(data):
    report = check(data)
    assert [finding.line for finding in report.findings] == []
    assert report.is_clean


def test_ten_planted_faults_are_found_and_named(data):
    planted = plant(data)
    report = check(data)
    found = {name: f.check for f in report.findings for name in f.names}
    for file, check_name in planted.items():
        assert [found[name] for name in found if file in name] == [check_name], file
    assert len(found) == len(planted)
    assert all("\n" not in finding.line for finding in report.findings)
    assert not report.is_clean


def test_unreadable_photos_are_an_error_only_where_they_stop_the_run(data):
    (data.train / "text.jpg").write_bytes(b"no photo")
    severities = [
        check(data, NO_EDGES, f"data.max_bad_fraction={share}").findings[0].severity
        for share in (0.01, 0.5)
    ]
    assert severities == ["error", "warning"]


def test_edge_files_that_do_not_pair_are_named_after_one_scan(data, monkeypatch):
    scanned, scan = [], edge_files.scan_folder
    monkeypatch.setattr(
        edge_files, "scan_folder", lambda *a: scanned.append(a) or scan(*a)
    )
    edges = ("edge.source=external", f"edge.folder={data.masks}")
    (finding,) = check(data, *edges).findings
    assert finding.check == "edge-maps" and "no edge file of the same" in finding.what
    assert len(scanned) == 1


def test_lpips_without_its_weights_is_found_before_the_inpaint_stage(data):
    (finding,) = check(data, NO_EDGES, "losses.lpips=1").findings
    assert finding.check == "lpips" and "lpips_weights" in finding.what


def test_a_sample_is_some_photos_of_each_side(data):
    facts = check(data, NO_EDGES, sample=4).facts
    assert "read 4 of 12 photos" in facts
    assert "read 4 of 4 photos" in facts


def test_all_that_is_wrong_is_told_at_once(data, monkeypatch):
    monkeypatch.setattr("tf_edgeconnect.doctor.runs._memory", lambda: 1000)
    overrides = [
        "data.train=/no/such/photos",
        "mask.folder=/no/such/masks",
        "losses.style=250",
        "losses.vgg_weights=/no/such/weights.h5",
        "losses.lpips=1",
        "losses.lpips_weights=/no/such/weights.npz",
    ]
    findings = check(data, *overrides, gpu_missed=True).findings
    told = {finding.check: finding.severity for finding in findings}
    errors = dict.fromkeys(["no-photos", "no-masks", "vgg", "lpips", "memory"], "error")
    assert told == {**errors, "gpu": "warning"}


def test_weights_of_another_architecture_are_named(data, tmp_path):
    network = patch_discriminator(2, filters=5)
    save_networks(tmp_path / "weights", {"edge_discriminator": network}, {})
    (finding,) = check(data, NO_EDGES, init_from=tmp_path / "weights").findings
    assert finding.check == "architecture" and "filters is 5 there, 4 here" in (
        finding.line
    )
