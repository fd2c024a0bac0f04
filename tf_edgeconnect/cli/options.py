"""Options that several commands take, and their completion in a shell.

`tf-edgeconnect --install-completion` sets a shell up. Where nothing here matches what
is typed, the shell completes file names.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tf_edgeconnect.config import config_names, setting_names
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import NAMES

RUNS = Path("runs")  # where `train` puts runs by itself
# One of these files makes a folder a run, a weights folder or an export.
_MARKS = ("config.yaml", "model.json", "saved_model.pb", "1/saved_model.pb")


def complete_config(incomplete: str) -> list[str]:
    """Completes the name of a shipped config."""
    return _fitting(config_names(), incomplete)


def complete_setting(incomplete: str) -> list[str]:
    """Completes the key of a setting, for `--set`."""
    names = list(setting_names())
    sections = {name.rpartition(".")[0] for name in names}
    return _fitting((f"{n}=" for n in names if n not in sections), incomplete)


def complete_model(incomplete: str) -> list[str]:
    """Completes the name of a preset or a folder with a model."""
    return _fitting(NAMES, incomplete) + complete_run(incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Completes folders with a model, in `runs/` and where the path leads."""
    folders = {RUNS, Path(f"{incomplete}*").parent}
    found = {str(path) for folder in folders for path in _models_in(folder)}
    return _fitting(sorted(found), incomplete)


def _models_in(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if any((p / m).is_file() for m in _MARKS)]
    except OSError:  # no such folder, or not ours to read
        return []


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def exclude(given: Mapping[str, object]) -> None:
    """Refuses two or more options that exclude each other.

    Args:
        given: option -> its value; None, False and 0 count as not given.
    """
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        raise InputError(f"{' and '.join(names)} exclude each other: choose one")


def numbers(option: str, text: str) -> list[float]:
    """Parses numbers with commas between them."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{option} must be numbers with commas between, such as 0.1,0.2,0.3; got "
            f"{text}"
        ) from None


def flag(name: str, text: str) -> Any:
    """Declares an option without a value."""
    return typer.Option(name, metavar="", help=text)


def output(text: str, metavar: str = "D") -> Any:
    """Declares the option `--output`, `-o`."""
    return typer.Option("--output", "-o", metavar=metavar, help=text)


def model(text: str, default: str | bool = True) -> Any:
    """Declares the option `--model`; `default` is shown in the help."""
    return typer.Option(
        metavar="M",
        help=text,
        show_default=default,
        autocompletion=complete_model,
    )


def port(text: str) -> Any:
    """Declares an option for a port to listen on."""
    return typer.Option(min=0, max=65535, help=f"{text}; 0: a free one.")


def run_dir(text: str) -> Any:
    """Declares the option `--run-dir`."""
    return typer.Option(metavar="D", help=text, autocompletion=complete_run)


Model = Annotated[
    str,
    model(
        "A preset, run directory, weights folder, exported SavedModel, .tflite or "
        ".onnx file, or server: grpc://HOST:PORT/NAME?label=L or http://HOST:PORT/NAME."
    ),
]
Timeout = Annotated[
    float, typer.Option(min=0.001, metavar="S", help="Seconds to wait for a server.")
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="places2, celeba, psv, mobile, small, quickstart, or a .yaml file.",
        autocompletion=complete_config,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCE",
        help="Training photos: a folder, list file, TFRecords, tfds:NAME, sample:.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, such as train.steps=1000; may be repeated.",
        autocompletion=complete_setting,
    ),
]
InitFrom = Annotated[
    Path | None,
    typer.Option(
        metavar="M",
        help="Start at step 0 with the weights of another run.",
        autocompletion=complete_model,
    ),
]
Large = Annotated[
    Literal["auto", "full", "crop", "tile"],
    typer.Option(
        help="full: the whole photo at once; crop: each hole with its surroundings; "
        "tile: overlapping tiles; auto: full up to 512 x 512, else crop."
    ),
]
InvertMask = Annotated[bool, flag("--invert-mask", "Black = hole in the masks.")]
Dilate = Annotated[
    int, typer.Option(min=0, metavar="N", help="Grow holes by N pixels.")
]
MaskFrom = Annotated[
    Literal["auto", "paint", "transparency", "grey", "labels"],
    typer.Option(help="What masks are made of; auto finds out."),
]
MaskLabel = Annotated[
    int | None,
    typer.Option(metavar="N", help="Fill only label N, not all labels."),
]
AllowEmpty = Annotated[
    bool, flag("--allow-empty", "Copy photos whose mask has no hole.")
]
MaxMegapixels = Annotated[
    float,
    typer.Option(min=0.001, metavar="N", help="Refuse larger photos."),
]
Published = Annotated[
    bool, flag("--published", "Feed raw edges, like the published test script.")
]
Overwrite = Annotated[bool, flag("--overwrite", "Replace existing results.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
