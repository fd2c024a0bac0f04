"""Where the edges of an example come from, and edge files paired with their photos."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tensorflow as tf

from tf_edgeconnect.data.files import FileSource
from tf_edgeconnect.data.images import decode
from tf_edgeconnect.data.kept import (
    Scanned,
    file_names,
    first_few,
    look_at_edges,
    scan_folder,
)
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError

# Resizing a photo rounds its sides, so an edge file's sides may be off by this share.
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class EdgeOptions:
    """Where the edges of an example come from.

    Attributes:
        sigma: of Canny, pixels; 0 draws 1 to 4 in training, -1 means no edges.
        folder: edge files (white on black) named as their photos, instead of Canny's
            edges; None for Canny.
        thin: keep of an edge file only what is a Canny edge too.
        cache: JSON file that keeps the scan of `folder`; edge files that TensorFlow
            would read with other values are kept beside it.
        masked: give the edges that Canny finds without the hole's pixels, as when
            filling, beside those of the whole photo. Only for Canny.
    """

    sigma: float = 2.0
    folder: str | Path | None = None
    thin: bool = False
    cache: Path | None = None
    masked: bool = False

    def __post_init__(self) -> None:
        if self.thin and self.folder is None:
            raise InputError("thin needs a folder of edge files: Canny's are thin")
        if self.thin and self.sigma == NO_EDGES:
            raise InputError(
                "thin keeps what Canny finds, and sigma -1 finds nothing: "
                "give a sigma of 0 or more"
            )
        if self.masked and self.folder is not None:
            raise InputError("masked is for Canny's edges, not for a folder of them")


def pair_edges(
    source: Source, options: EdgeOptions
) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Finds the edge file of every photo.

    A photo `a/b.jpg` takes `a/b.*` in the folder, or else the only file there whose
    name without suffix is `b`.

    Args:
        source: the photos.
        options: names the folder.

    Returns:
        A function from a photo's index to its edges, uint8 `(H, W, 1)`, for graphs;
        None without a folder.

    Raises:
        InputError: the folder is missing, a photo has no edge file, or one cannot be
            read or has another shape than its photo; it names the first few.
    """
    if options.folder is None:
        return None
    folder, count = Path(options.folder), len(source)
    if not folder.is_dir():
        raise InputError(f"edge.folder {folder}: no such folder of edge files")

    def refuse(names: list[str], what: str) -> None:
        if names:
            raise InputError(
                f"{len(names)} of {count} photos have {what} in {folder}: "
                f"{first_few(names)}"
            )

    by_name: dict[str, list[tuple[Path, Scanned]]] = {}
    for path, found in scan_folder(folder, look_at_edges, options.cache):
        below = path.relative_to(folder).with_suffix("")
        for key in {below.as_posix(), below.name}:
            by_name.setdefault(key, []).append((path, found))
    names = [source.name(index) for index in range(count)]
    pairs = [_edges_of(PurePosixPath(name).with_suffix(""), by_name) for name in names]
    lost = [name for name, pair in zip(names, pairs, strict=True) if pair is None]
    refuse(lost, "no edge file of the same name")
    bad = [f"{path.name} ({each.reason})" for path, each in pairs if each.reason]
    refuse(bad, "an edge file that cannot be read")
    edges = [each for _, each in pairs]
    if isinstance(source, FileSource):
        pairs = zip(names, source.files, edges, strict=True)
        refuse(
            [
                name
                for name, photo, each in pairs
                if abs(photo.width * each.height / photo.height / each.width - 1)
                > _ASPECT_TOLERANCE
            ],
            "an edge file of another shape",
        )
    paths = file_names(edges)
    return lambda index: decode(tf.io.read_file(paths[index]))[..., :1]


def _edges_of(
    stem: PurePosixPath, by_name: dict[str, list[tuple[Path, Scanned]]]
) -> tuple[Path, Scanned] | None:
    for key in (stem.as_posix(), stem.name):
        if len(found := by_name.get(key, [])) == 1:
            return found[0]
    return None
