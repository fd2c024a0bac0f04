"""The folder of a version, its model card and its warm-up requests.

The first request of a size is slow. TF Serving runs the warm-up requests before a
version is ready, so that no client waits for them.
"""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.backends.transports import MODEL_NAME
from tf_edgeconnect.inference.loading import SAVED_MODEL_FILE

WARMUP_FILE = "tf_serving_warmup_requests"
NO_API = (
    "no warm-up requests written: they need tensorflow-serving-api; "
    "pip install 'tf-edgeconnect[serving]' and export again"
)


@contextmanager
def new_version(output: Path) -> Iterator[Path]:
    """Yields a folder to fill, under a name that TF Serving ignores.

    Raises:
        InputError: the output is a file, or a version itself.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"output {output} is a file, expected a folder for versions")
    if (output / SAVED_MODEL_FILE).exists():
        raise InputError(
            f"output {output} is itself an exported version; give the folder above it, "
            f"{output.parent}, which holds the numbered versions"
        )
    output.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=output))
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish(partial: Path, output: Path) -> Path:
    """Makes a complete folder the next version."""
    partial.chmod(0o755)  # mkdtemp's is for its owner alone; a server is another
    numbers = [int(path.name) for path in output.iterdir() if path.name.isdigit()]
    folder = output / str(max(numbers, default=0) + 1)
    while True:
        try:
            # Fails where another export took the number: a full folder is not replaced.
            os.rename(partial, folder)
        except OSError:
            if not folder.exists():
                raise
            folder = output / str(int(folder.name) + 1)
        else:
            return folder


def write_warmup(folder: Path, sizes: Sequence[int]) -> bool:
    """Writes a request for each signature and size into a SavedModel.

    Returns:
        False if tensorflow-serving-api is not installed and nothing was written.
    """
    if importlib.util.find_spec("tensorflow_serving") is None:
        return False
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = folder / "assets.extra" / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in sizes:
            for signature, inputs in example_requests(size).items():
                request = predict_pb2.PredictRequest()
                request.model_spec.name = MODEL_NAME
                request.model_spec.signature_name = signature
                for name, value in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString())
    return True


def example_requests(size: int) -> dict[str, dict[str, np.ndarray]]:
    """Makes a request for each signature: a square of noise with a hole in the middle.

    Returns:
        Signature -> input -> array, of batch 1.
    """
    noise = np.random.default_rng(0)
    image = noise.integers(0, 256, (1, size, size, 3), np.uint8)
    mask = np.zeros((1, size, size, 1), np.uint8)
    middle = slice(size // 4, size - size // 4)
    mask[:, middle, middle] = 255
    pair = {"image": image, "mask": mask}
    return {
        "serving_default": pair,
        "predict_edges": pair,
        "inpaint_with_edges": {**pair, "edges": np.zeros_like(mask)},
        "serving_bytes": {
            "image_bytes": np.array([tf.io.encode_png(image[0]).numpy()], object),
            "mask_bytes": np.array([tf.io.encode_png(mask[0]).numpy()], object),
        },
    }


def model_card(facts: dict[str, Any]) -> str:
    """Returns the model card in Markdown, given the content of `model.json`."""
    template = Path(__file__).with_name("card.md.jinja").read_text("utf-8")
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.from_string(template).render(facts)
