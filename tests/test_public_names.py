"""The package's own face: `import tf_edgeconnect as ec`."""

import subprocess
import sys
from pathlib import Path

import pytest

import tf_edgeconnect as ec

ROOT = Path(__file__).parents[1]


def test_importing_the_package_imports_no_tensorflow():
    script = (
        "import sys, tf_edgeconnect as ec\n"
        "ec.InputError, ec.load_config('places2'), ec.mask_image, ec.__version__\n"
        "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_found_and_listed():
    for name in ec.__all__:
        assert getattr(ec, name) is not None
        assert name in dir(ec)


def test_public_names_are_those_of_their_modules():
    from tf_edgeconnect.data.edges import canny
    from tf_edgeconnect.masking import composite
    from tf_edgeconnect.models.generators import edge_generator

    assert ec.canny is canny
    assert ec.composite is composite
    assert ec.edge_generator is edge_generator


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'tf_edgeconnect' has no attribute 'net'"):
        _ = ec.net
