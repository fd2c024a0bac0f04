"""Whether a directory can hold a run."""

import numpy as np
import pytest
from PIL import Image

from tests.trainers.tiny_run import config
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.run_directory import check_directory
from tf_edgeconnect.trainers.run_summary import describe


def test_the_scan_of_a_run_that_could_not_start_does_not_count_as_a_run(tmp_path):
    (tmp_path / "scans").mkdir()
    check_directory(tmp_path, config(), fresh=True)
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="--fresh asks for an empty"):
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
    (line,) = [line for line in said if line.startswith("kept as PNG")]
    assert "4 files, 0.0 MB" in line
    assert sorted(tmp_path.rglob("*")) == before
