"""The package's own face: `import tf_edgeconnect as ec`."""

import subprocess
import sys
from pathlib import Path

import pytest

import tf_edgeconnect as ec

ROOT = Path(__file__).parents[1]


def test_importing_the_package_imports_no_tensorflow(fresh_python):
    script = (
        "import sys, tf_edgeconnect as ec\n"
        "ec.InputError, ec.load_config('places2'), ec.mask_image, ec.__version__\n"
        "assert not {'tensorflow', 'keras', 'cv2'} & set(sys.modules)"
    )
    fresh_python(script)


def test_every_public_name_is_found_and_listed():
    for name in ec.__all__:
        assert getattr(ec, name) is not None
        assert name in dir(ec)


def test_public_names_are_those_of_their_modules():
    from tf_edgeconnect.edges.exact import canny
    from tf_edgeconnect.masking import composite
    from tf_edgeconnect.models.generators import edge_generator

    assert ec.canny is canny
    assert ec.composite is composite
    assert ec.edge_generator is edge_generator


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute net"):
        _ = ec.net


TYPED = """
import numpy as np
import tf_edgeconnect as ec

inpainter = ec.Inpainter.load("runs/mine")
reveal_type(inpainter)
reveal_type(inpainter(np.zeros(3), np.zeros(3)).image)
reveal_type(ec.load_config("places2").train.for_stage("edge").steps)
reveal_type(ec.canny)
ec.Inpainter.load(3)
ec.EdgeTrainer(ema="much")
ec.inpainter_generator()
"""


def test_a_typed_script_sees_real_types(tmp_path):
    pytest.importorskip("mypy", reason="needs mypy: pip install mypy")
    script = tmp_path / "script.py"
    script.write_text(TYPED.lstrip())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-codes"),
            *("--config-file=", "--ignore-missing-imports", "--follow-imports=silent"),
            *("--cache-dir", str(tmp_path), str(script)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    told = done.stdout.replace(f"{script}:", "")
    assert '5: note: Revealed type is "tf_edgeconnect.inference.inpainter' in told
    assert '6: note: Revealed type is "numpy.ndarray[' in told
    assert '7: note: Revealed type is "int"' in told
    assert '8: note: Revealed type is "def (gray: Any, sigma: float' in told
    assert '9: error: Argument 1 to "load" of "Inpainter" has incompatible' in told
    assert '10: error: Argument "ema" to "EdgeTrainer" has incompatible' in told
    assert '11: error: Module has no attribute "inpainter_generator"' in told
