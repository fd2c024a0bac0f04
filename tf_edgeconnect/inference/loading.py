"""Finds the backend for what `--model` names.

| name | backend |
|---|---|
| a preset, a run directory, a weights folder | Keras |
| an exported SavedModel, or the folder of its versions | SavedModel |
| a `.tflite` file | LiteRT |
| an `.onnx` file | ONNX Runtime |
| `grpc://HOST:PORT[/NAME][?label=L]`, `grpcs://`, `http://`, `https://` | a server |

A backend is imported when it is needed: only the first two, and gRPC, need TensorFlow.
"""

from pathlib import Path

from tf_edgeconnect.inference.backends import Backend

SAVED_MODEL_FILE = "saved_model.pb"
FILE_SUFFIXES = (".tflite", ".onnx")  # of exported files, which run without TensorFlow
SCHEMES = ("grpc://", "grpcs://", "http://", "https://")


def load_backend(
    where: str | Path, *, timeout: float = 60.0, ca: str | None = None
) -> Backend:
    """Loads a model, or connects to a server; see `Inpainter.load`."""
    if is_address(where):
        from tf_edgeconnect.inference.backends.serving import ServingBackend

        server = ServingBackend(str(where), timeout=timeout, ca=ca)
        server.versions()  # or it says now what is wrong
        return server
    if _is_file(where):
        from tf_edgeconnect.inference.backends.file import OnnxBackend, TFLiteBackend

        kind = OnnxBackend if Path(where).suffix == ".onnx" else TFLiteBackend
        return kind(where)
    if folder := find_export(where):
        from tf_edgeconnect.inference.backends.saved_model import SavedModelBackend

        return SavedModelBackend(folder)
    from tf_edgeconnect.inference.backends.keras import KerasBackend

    return KerasBackend.load(where)


def is_address(where: str | Path) -> bool:
    """Returns whether a model is named by the address of a server."""
    return str(where).startswith(SCHEMES)


def is_weights(where: str | Path) -> bool:
    """Returns whether a model is neither an export nor on a server."""
    return not (is_address(where) or _is_file(where) or find_export(where))


def needs_tensorflow(where: str | Path) -> bool:
    """Returns whether loading a model imports TensorFlow."""
    return not (str(where).startswith(("http://", "https://")) or _is_file(where))


def find_export(where: str | Path) -> Path | None:
    """Finds the SavedModel at a path, or the latest version `1`, `2`, ... below it.

    Returns:
        Its folder, or None.
    """
    path = Path(where)
    folders = [path]
    if path.is_dir():
        numbered = [child for child in path.iterdir() if child.name.isdigit()]
        folders += sorted(numbered, key=lambda child: -int(child.name))
    return next((f for f in folders if (f / SAVED_MODEL_FILE).is_file()), None)


def model_files(where: str | Path) -> dict[str, Path]:
    """Finds the files that identify a model, given as `Inpainter.load` takes it.

    Returns:
        Name -> file; empty for a server.
    """
    if is_address(where):
        return {}
    if _is_file(where):
        return {"model": Path(where)}
    if folder := find_export(where):
        files = [folder / SAVED_MODEL_FILE, *folder.glob("variables/*")]
        return {path.relative_to(folder).as_posix(): path for path in sorted(files)}
    from tf_edgeconnect.models.storage import resolve

    return {
        name: folder / f"{name}.weights.h5"
        for name, folder in sorted(resolve(where).items())
        if name.endswith("generator")
    }


def _is_file(where: str | Path) -> bool:
    return Path(where).suffix in FILE_SUFFIXES
