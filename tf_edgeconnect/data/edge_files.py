"""Where the edges of an example come from, and edge files paired with their photos."""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tensorflow as tf

from tf_edgeconnect.data.images import decode
from tf_edgeconnect.data.kept import (
    Scanned,
    file_names,
    look_at_edges,
    scan_folder,
)
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.sources import FileSource
from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import Partners, some

# Resizing a photo rounds its sides, so an edge file's sides may be off by this share.
_ASPECT_TOLERANCE = 0.02


@dataclass
class EdgeOptions:
    """Where the edges of an example come from.

    The list of edge files is fixed when this is made.

    Attributes:
        sigma: of Canny, pixels; 0 draws 1 to 4 in training, -1 means no edges.
        folder: edge files (white on black) named as their photos, instead of Canny's
            edges; None for Canny.
        thin: keep only the pixels of an edge file that are Canny edges.
        cache: JSON file that keeps the scan of `folder`; edge files that TensorFlow
            would read with other values are kept beside it.
        masked: also return the edges that Canny finds without the hole's pixels, as
            when filling. Only for Canny.
    """

    sigma: float = 2.0
    folder: str | Path | None = None
    thin: bool = False
    cache: Path | None = None
    masked: bool = False

    def __post_init__(self) -> None:
        self.files: dict[Path, Scanned] = {}
        if self.thin and self.folder is None:
            raise InputError(
                "thin needs a folder of edge files: Canny edges are thin already"
            )
        if self.thin and self.sigma == NO_EDGES:
            raise InputError(
                "thin keeps what Canny finds, and sigma -1 finds nothing: "
                "give a sigma of 0 or more"
            )
        if self.masked and self.folder is not None:
            raise InputError("masked needs Canny edges, not a folder of edge files")
        if self.folder is not None:
            folder = Path(self.folder)
            if not folder.is_dir():
                raise InputError(f"edge.folder {folder}: no such folder of edge files")
            self.files = dict(scan_folder(folder, look_at_edges, self.cache))


def pair_edges(
    source: Source, options: EdgeOptions
) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Finds the edge file of every photo.

    Files pair with photos as `Partners` says, by their paths below the folder or else
    by their last parts, where only one file has that.

    Args:
        source: the photos.
        options: names the folder.

    Returns:
        A function from a photo's index to its edges, uint8 `(H, W, 1)`, for graphs;
        None without a folder.

    Raises:
        InputError: a photo has no edge file, or one cannot be read or has another shape
            than its photo; it names the first few.
    """
    if options.folder is None:
        return None
    folder, count = Path(options.folder), len(source)
    partner = _partners(folder, list(options.files))
    edges, problems = [], defaultdict(list)
    for index in range(count):
        name = source.name(index)
        path = partner(name)
        if path is None:
            problems["no edge file of the same name"].append(name)
            continue
        found = options.files[path]
        if found.reason:
            what = "an edge file that cannot be read"
            problems[what].append(f"{path.name} ({found.reason})")
        elif isinstance(source, FileSource) and _differ(source.files[index][1], found):
            problems["an edge file of another shape"].append(name)
        else:
            edges.append(found)
    for what, names in problems.items():
        raise InputError(
            f"{len(names)} of {count} photos have {what} in {folder}: {some(names, 5)}"
        )
    paths = file_names(edges)
    return lambda index: decode(tf.io.read_file(paths[index]))[..., :1]


def _partners(folder: Path, paths: list[Path]) -> Callable[[str], Path | None]:
    files = {path.relative_to(folder).as_posix(): path for path in paths}
    times = Counter(path.name for path in paths)
    alone = {path.name: path for path in paths if times[path.name] == 1}
    whole, last = (Partners(folder, each, "edge file", "") for each in (files, alone))

    def partner(name: str) -> Path | None:
        for partners, key in ((whole, name), (last, PurePosixPath(name).name)):
            with contextlib.suppress(InputError):
                return partners.of(key)
        return None

    return partner


def _differ(photo: Scanned, edges: Scanned) -> bool:
    aspect = photo.width * edges.height / photo.height / edges.width
    return abs(aspect - 1) > _ASPECT_TOLERANCE
