"""Requests that TF Serving runs before it calls a version ready.

The first request of a size pays for tracing and memory; with these, no client does.
"""

import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

WARMUP_FILE = "tf_serving_warmup_requests"
MODEL_NAME = "edgeconnect"
NO_API = (
    "no warm-up requests written: they need tensorflow-serving-api; "
    "pip install 'tf-edgeconnect[serving]' and export again"
)


def write_warmup(folder: Path, sizes: Sequence[int]) -> bool:
    """Writes one request a signature and size into a SavedModel.

    Args:
        folder: of the SavedModel.
        sizes: sides of square photos, pixels.

    Returns:
        False where tensorflow-serving-api is not installed and nothing was written.
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
    """Makes one good request for each signature: noise with a hole in its middle.

    Args:
        size: side of the photo, pixels.

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
            "image_bytes": np.array([_png(image[0])], object),
            "mask_bytes": np.array([_png(mask[0, ..., 0])], object),
        },
    }


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
