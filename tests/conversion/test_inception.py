"""The usual FID checkpoint becomes our weights file, with torchvision's features."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.conversion.checkpoints import convert
from tf_edgeconnect.conversion.inception import convert_inception
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.inception import array_shapes, fid_inception

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@pytest.fixture(scope="module")
def script():
    """What the script that asked torchvision has: `state` and `picture`."""
    return runpy.run_path(str(FIXTURES / "make_inception_fixture.py"))


@pytest.fixture(scope="module")
def expected():
    return np.load(FIXTURES / "inception_expected.npz")


@pytest.fixture(scope="module")
def checkpoint(script, expected):
    """A checkpoint of the usual layout as `read_checkpoint` gives it."""
    shapes = {
        str(name): tuple(int(size) for size in shape if size)
        for name, shape in zip(expected["names"], expected["shapes"], strict=True)
    }
    return script["state"](shapes)


@pytest.fixture
def read(monkeypatch):
    """Hands a dictionary to the conversion in the place of a file of 95 MB."""

    def give(found):
        for module in ("inception", "checkpoints"):
            monkeypatch.setattr(
                f"tf_edgeconnect.conversion.{module}.read_checkpoint", lambda _: found
            )

    return give


def test_parity_of_the_inception_features(tmp_path, read, checkpoint, script, expected):
    read(checkpoint)
    target = tmp_path / "made" / "inception.npz"
    assert convert_inception("fid.pth", target) == 94
    assert [path.name for path in target.parent.iterdir()] == ["inception.npz"]
    with np.load(target) as arrays:
        assert {name: arrays[name].shape for name in arrays} == array_shapes()
        dtypes = {(name.split(".")[-1], arrays[name].dtype.name) for name in arrays}
    assert dtypes == {("weight", "float16")} | {
        (part, "float32") for part in ("beta", "mean", "var")
    }
    features = fid_inception(target).predict_on_batch(script["picture"]())[0]
    # Gamma, taken into the kernels, is rounded with them.
    np.testing.assert_allclose(features, expected["features"], rtol=0, atol=0.05)
    assert np.corrcoef(features, expected["features"])[0, 1] > 1 - 1e-6


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Mixed_7c.branch_pool.bn.bias", None, "(192,), got none"),
        ("Conv2d_4a_3x3.conv.weight", np.zeros((9, 9)), "(192, 80, 3, 3), got (9, 9)"),
        ("Mixed_5b.branch1x1.bn.running_mean", np.full(64, np.nan), "is not finite"),
        ("fc.weight", np.zeros((1000, 2048)), "of 1000 classes, expected 1008"),
        ("Conv2d_1a_3x3.conv.weight", None, "not FID's Inception network"),
    ],
)
def test_another_network_is_refused_and_nothing_written(
    tmp_path, read, checkpoint, name, value, reason
):
    found = {**checkpoint, name: value}
    read({key: tensor for key, tensor in found.items() if tensor is not None})
    with pytest.raises(InputError) as caught:
        convert_inception("fid.pth", tmp_path / "inception.npz")
    message = str(caught.value)
    assert message.startswith("fid.pth: ") and reason in message
    assert message.isprintable()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path, read, checkpoint):
    target = tmp_path / "inception.npz"
    target.write_text("mine")
    read(checkpoint)
    with pytest.raises(InputError, match="exists already; .* add --overwrite"):
        convert_inception("fid.pth", target)
    assert target.read_text() == "mine"


def test_without_an_npz_to_write_it_says_so(tmp_path, read, checkpoint):
    source = tmp_path / "fid.pth"
    source.touch()
    read(checkpoint)
    with pytest.raises(InputError, match=r"FID's Inception network; .*-o NAME\.npz"):
        convert(source, tmp_path / "weights")
    assert list(tmp_path.iterdir()) == [source]
