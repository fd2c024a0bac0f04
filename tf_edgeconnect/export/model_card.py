"""The page that lies beside an exported SavedModel, for those who run it."""

from typing import Any


def model_card(facts: dict[str, Any]) -> str:
    """Writes what an operator wants to know.

    Args:
        facts: as in `model.json`, see `saved_model.py`.

    Returns:
        Markdown.
    """
    signatures = "\n".join(
        f"| `{name}` | {_tensors(parts['inputs'])} | {_tensors(parts['outputs'])} |"
        for name, parts in facts["signatures"].items()
    )
    sizes = ", ".join(f"{size}x{size}" for size in facts["warmup_sizes"])
    warmup = (
        f"Each signature is warmed up at {sizes} before the version is ready."
        if sizes
        else "No warm-up requests: the first request of a size is slow."
    )
    networks = "\n".join(
        f"- {name}: {', '.join(f'{k}={v}' for k, v in options.items())}"
        for name, options in facts["networks"].items()
    )
    return f"""# EdgeConnect inpainting, {facts["precision"]}

Fills the hole of a photo: lines first, colour next (Nazeri et al. 2019,
arXiv:1901.00212). Everything from the photo to the filled photo is in the graph.

- made from: {facts["source"]}
- weights: {facts["precision"]}, stored once, {facts["parameters"]:,} numbers
- Canny's sigma: {facts["sigma"]:g}
- checked when exported, {facts["comparison"]}
- written by tf_edgeconnect {facts["tf_edgeconnect"]}, TensorFlow {facts["tensorflow"]}

{networks}

## Signatures

| signature | takes | gives |
|---|---|---|
{signatures}

Any batch, height and width. Mask: white (above 127) is the hole. Edges: white is a
line; lines that are sent count inside the hole only. Known pixels come back unchanged.
`serving_bytes` takes PNG and JPEG files and gives PNG files; their sizes may differ
within a batch. It keeps pixels only: alpha, ICC profile and EXIF are dropped, and the
orientation in EXIF is not applied. A client that needs them turns the photo first and
restores them after.

## What is refused

Answered with INVALID_ARGUMENT and a sentence; nothing is painted: a wrong rank or
number of channels; photo, mask and edges of unequal sizes; no pixels, or more than
{facts["max_pixels"]:,} (batch x height x width; in `serving_bytes` those of one
picture, read from its header before it is decoded); masks of zeros and ones; mostly
white drawings; strings that are no whole PNG or JPEG file, named by their index.

With batching in the server, requests that are merged share that bound.

## Running it

The folder above this one holds the versions; give it to TensorFlow Serving as the
model's base path. {warmup}
"""


def _tensors(tensors: dict[str, dict[str, Any]]) -> str:
    return ", ".join(
        f"`{name}` {parts['dtype']} ({', '.join(_length(n) for n in parts['shape'])})"
        for name, parts in tensors.items()
    )


def _length(length: int | None) -> str:
    return "any" if length is None else str(length)
