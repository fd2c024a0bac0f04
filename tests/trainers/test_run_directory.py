"""Whether a directory can hold a run."""

import pytest

from tests.trainers.tiny_run import config
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.run_directory import check_directory


def test_the_scan_of_a_run_that_could_not_start_does_not_count_as_a_run(tmp_path):
    (tmp_path / "train-photos.json").write_text("{}")
    check_directory(tmp_path, config(), fresh=True)
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match="--fresh asks for an empty"):
        check_directory(tmp_path, config(), fresh=True)
