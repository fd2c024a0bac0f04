"""`tf-edgeconnect info`: what is installed, for a problem report."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.presets import NAMES
from tf_edgeconnect.version import __version__

PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python", "pillow", "scikit-image")
EXTRAS = {
    "serving": ("tensorflow-serving-api", "grpcio-health-checking"),
    "tflite": ("ai-edge-litert", "ai-edge-quantizer"),
    "onnx": ("onnx", "onnxruntime", "tf2onnx"),
    "heif": ("pi-heif",),
    "batch": ("apache-beam",),
}


def info() -> None:
    """Show versions, devices, presets and extras, for a problem report."""
    typer.echo(f"tf-edgeconnect {__version__}")
    typer.echo(f"Python {platform.python_version()} on {platform.platform()}")
    typer.echo(f"packages: {', '.join(map(_described, PACKAGES))}")
    import_tensorflow()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in gpus
    ]
    typer.echo(f"devices: CPU with {os.cpu_count()} cores, GPU: {_listed(names)}")
    typer.echo(f"presets: {_listed(NAMES)}")
    for extra, packages in EXTRAS.items():
        typer.echo(f"extra {extra}: {', '.join(map(_described, packages))}")


def _described(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
