"""Quantizes a TFLite file with ai-edge-quantizer.

Only the convolutions of both generators are quantized, not those of Canny: rounded
slopes give other edges, or none.
"""

from collections.abc import Sequence

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import canny

_NETWORKS = "generator"  # in the names of their tensors


def quantized(
    contents: bytes,
    precision: str,
    with_edges: bytes = b"",
    examples: Sequence[tuple[np.ndarray, np.ndarray]] = (),
    sigma: float = 2.0,
) -> bytes:
    """Quantizes the kernels, and for `int8-full` the activations, of a float32 file.

    Args:
        contents: the file.
        precision: `float16`, `int8` or `int8-full`.
        with_edges: for `int8-full`: the same file with edges as an input.
        examples: for `int8-full`: photos uint8 `(1, N, N, 3)` and masks bool
            `(1, N, N, 1)` to measure ranges on.
        sigma: of Canny, in pixels.

    Raises:
        InputError: ai-edge-quantizer is not installed.
    """
    try:
        from ai_edge_quantizer import qtyping
        from ai_edge_quantizer.quantizer import Quantizer
    except ImportError as error:
        raise InputError(
            f"precision {precision} needs ai-edge-quantizer ({error}): "
            "pip install 'tf-edgeconnect[tflite]'"
        ) from None

    def prepared(contents: bytes) -> Quantizer:
        quantizer = Quantizer(contents)
        kind = qtyping.TFLOperationName.CONV_2D  # there is no other
        if precision == "int8-full":
            quantizer.add_static_config(_NETWORKS, kind, 8, 8)
        elif precision == "int8":
            quantizer.add_dynamic_config(_NETWORKS, kind, 8)
        else:
            config = qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(
                    16, dtype=qtyping.TensorDataType.FLOAT
                ),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            )
            quantizer.update_quantization_recipe(
                _NETWORKS, kind, config, "float_casting"
            )
        return quantizer

    ranges = None
    if precision == "int8-full":
        given = [
            {
                "image": image,
                "mask": np.uint8(255) * mask,
                "edges": canny(image, mask, sigma),
            }
            for image, mask in examples
        ]
        ranges = prepared(with_edges).calibrate({"serving_default": given})
    result = prepared(contents).quantize(ranges, enable_progress_report=False)
    return bytes(result.quantized_model)
