"""Where the edges of an example come from, and edge files paired with their photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tf_edgeconnect.data.files import FileSource, list_photos
from tf_edgeconnect.data.source import ScanReport, Source
from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import scan_headers

# Resizing a photo rounds its sides, so an edge map's sides may be off by this share.
_ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class EdgeOptions:
    """Where the edges of an example come from.

    Attributes:
        sigma: of Canny, pixels; 0 draws 1 to 4 in training, -1 means no edges.
        folder: edge maps (white lines on black) named as their photos, instead of
            Canny's; None for Canny.
        thin: keep of an edge map only what is a Canny edge too.
        cache: JSON file that keeps the header scan of `folder`.
        masked: give the edges that Canny finds without the hole's pixels, as when
            filling, beside those of the whole photo. Only for Canny.
    """

    sigma: float = 2.0
    folder: str | Path | None = None
    thin: bool = False
    cache: str | Path | None = None
    masked: bool = False

    def __post_init__(self) -> None:
        if self.thin and self.folder is None:
            raise InputError("thin needs a folder of edge maps: Canny's are thin")
        if self.thin and self.sigma == NO_EDGES:
            raise InputError(
                "thin keeps what Canny finds, and sigma -1 finds nothing: "
                "give a sigma of 0 or more"
            )
        if self.masked and self.folder is not None:
            raise InputError("masked is for Canny's edges, not for a folder of them")


def pair_edges(source: Source, options: EdgeOptions) -> FileSource | None:
    """Finds the edge map of every photo.

    A photo `a/b.jpg` takes `a/b.*` in the folder, or else the only file there whose
    name without suffix is `b`.

    Args:
        source: the photos.
        options: names the folder.

    Returns:
        The edge maps in the photos' order; None without a folder.

    Raises:
        InputError: the folder is missing, a photo has no edge map, or one cannot be
            read or has another shape than its photo; it names the first few.
    """
    if options.folder is None:
        return None
    folder = Path(options.folder)
    if not folder.is_dir():
        raise InputError(f"edge.folder {folder}: no such folder of edge maps")
    by_stem: dict[str, list[Path]] = {}
    for path in list_photos(folder):
        stem = PurePosixPath(path.relative_to(folder).as_posix()).with_suffix("")
        for key in {stem.as_posix(), stem.name}:
            by_stem.setdefault(key, []).append(path)
    names = [source.name(i) for i in range(len(source))]
    found = [_edge_of(name, by_stem) for name in names]
    lost = [name for name, path in zip(names, found, strict=True) if path is None]
    _refuse(lost, len(names), f"have no edge map of the same name in {folder}")
    paths = [path for path in found if path is not None]
    cache = None if options.cache is None else Path(options.cache)
    headers = scan_headers(paths, cache)
    bad = [
        f"{path.name} ({header.reason})"
        for path, header in zip(paths, headers, strict=True)
        if header.reason
    ]
    _refuse(bad, len(names), f"have an edge map in {folder} that cannot be read")
    edges = FileSource(
        [str(path.absolute()) for path in paths],
        [path.name for path in paths],
        headers,
        ScanReport(len(paths)),
    )
    if isinstance(source, FileSource):
        odd = [
            name for i, name in enumerate(names) if not _same_shape(source, edges, i)
        ]
        _refuse(odd, len(names), f"have an edge map of another shape in {folder}")
    return edges


def _edge_of(name: str, by_stem: dict[str, list[Path]]) -> Path | None:
    stem = PurePosixPath(name).with_suffix("")
    for key in (stem.as_posix(), stem.name):
        if len(paths := by_stem.get(key, [])) == 1:
            return paths[0]
    return None


def _same_shape(photos: FileSource, edges: FileSource, index: int) -> bool:
    height, width = photos.size(index)
    edge_height, edge_width = edges.size(index)
    aspect = (width * edge_height) / (height * edge_width)
    return abs(aspect - 1) <= _ASPECT_TOLERANCE


def _refuse(names: Sequence[str], total: int, what: str) -> None:
    if names:
        more = ", ..." if len(names) > 5 else ""
        raise InputError(
            f"{len(names)} of {total} photos {what}: {', '.join(names[:5])}{more}"
        )
