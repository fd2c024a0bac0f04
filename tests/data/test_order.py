"""The order of the stream and the seeds of its examples."""

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.data.source import (
    check_seed,
    example_draw,
    example_seeds,
    shuffled_index,
)
from tf_edgeconnect.errors import InputError


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_epoch_shows_each_photo_once_in_its_own_order(count):
    epochs = [
        [int(shuffled_index(epoch * count + i, count, seed=3)) for i in range(count)]
        for epoch in range(8)
    ]
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    if count == 7:
        assert len({tuple(epoch) for epoch in epochs}) == 8


def test_the_seed_changes_the_order():
    orders = {
        tuple(int(shuffled_index(i, 9, seed)) for i in range(9)) for seed in range(5)
    }
    assert len(orders) == 5


def test_attempts_walk_through_the_order_of_the_same_epoch():
    epoch = [int(shuffled_index(10 + i, 5, 0)) for i in range(5)]
    walked = [int(shuffled_index(13, 5, 0, attempt)) for attempt in range(5)]
    assert walked == epoch[3:] + epoch[:3]


def test_example_seeds_differ_between_positions_seeds_streams_and_uses():
    positions = [0, 1, 2, 2**31 - 1, 2**31, 2**32, 2**40]
    seeds = [
        tuple(each.numpy())
        for run, training in ((0, True), (1, True), (0, False))
        for position in positions
        for each in example_seeds(
            tf.constant(position, tf.int64), run, 4, training=training
        )
    ]
    assert len(set(seeds)) == 3 * len(positions) * 4
    assert example_seeds(tf.constant(0, tf.int64), 0, 1)[0].dtype == tf.int32


def test_draws_of_neighbouring_positions_are_uncorrelated():
    def draw(position):
        return tf.random.stateless_uniform((), example_seeds(position, 0, 2)[0])

    draws = tf.data.Dataset.range(2000).map(draw).batch(2000).get_single_element()
    draws = draws.numpy()
    # Standard error of a mean of 2000 uniform draws: 0.0065; of a correlation: 0.022.
    assert abs(draws.mean() - 0.5) < 0.03
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.1


def test_the_trainers_draw_is_uniform_and_its_own():
    draws = [float(example_draw(tf.constant(i, tf.int64), seed=0)) for i in range(64)]
    assert 0 <= min(draws) < 0.2 and 0.8 < max(draws) < 1
    assert draws[3] == float(example_draw(tf.constant(3, tf.int64), seed=0))
    assert draws[3] != float(example_draw(tf.constant(3, tf.int64), seed=1))
    taken = example_seeds(tf.constant(3, tf.int64), 0, 1)[0]
    assert draws[3] != float(tf.random.stateless_uniform((), taken))


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5, "1", True])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(InputError, match="2147483647"):
        check_seed(seed)


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_a_seed_in_range_is_taken(seed):
    assert check_seed(seed) == seed
    example_seeds(tf.constant(5, tf.int64), seed, 1)
    assert int(shuffled_index(0, 1, seed)) == 0
