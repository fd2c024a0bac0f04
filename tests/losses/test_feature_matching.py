import numpy as np
import pytest

from tf_edgeconnect.losses.edge import feature_matching_loss


def test_it_sums_the_mean_differences_of_all_maps():
    target = [np.zeros((1, 2, 2, 1)), np.ones((1, 1, 1, 2))]
    predicted = [np.full((1, 2, 2, 1), 3.0), np.array([[[[1.0, 0.5]]]])]
    assert float(feature_matching_loss(target, predicted)) == 3.0 + 0.25


def test_lists_of_different_length_are_refused():
    with pytest.raises(ValueError):
        feature_matching_loss([np.zeros(1)], [])
