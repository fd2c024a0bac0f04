"""What tests of evaluation share."""

from pathlib import Path

import pytest

from tests.evaluation.small_evaluation import write_evaluation


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory) -> list[Path]:
    """The folders of two systems, the second one better and with edges; read only."""
    root = tmp_path_factory.mktemp("evaluated")
    return [
        write_evaluation(root / "one", "plain & <simple>", 0.3),
        write_evaluation(root / "two", "lines_first", 0.1, edges=True),
    ]
