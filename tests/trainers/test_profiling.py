"""Profiles of a few steps."""

import pytest
import tensorflow as tf

from tf_edgeconnect.trainers.profiling import profiler


@pytest.mark.parametrize("steps", [2, 20])
def test_a_profile_is_written_however_short_the_call(steps, tmp_path):
    with profiler(tmp_path) as before:
        for step in range(1, steps + 1):
            before(step, steps)
            tf.reduce_sum(tf.ones(3))
    assert len(list(tmp_path.rglob("*.xplane.pb"))) == 1
