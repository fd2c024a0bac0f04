"""A run's curves as one SVG, from its `metrics.jsonl`.

    python benchmarks/curves.py runs/small -o curves.svg \
        inpaint:val/hole_psnr inpaint:inpaint/l1 edge:val/average_precision

Each STAGE:FIGURE is a panel, steps to the right.
"""

import argparse
import json
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure


def main() -> int:
    """Writes the file and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("panels", nargs="+", metavar="STAGE:FIGURE")
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args()
    text = (options.run / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    sheet = Figure((4.8 * len(options.panels), 3.4), layout="constrained")
    axes = sheet.subplots(1, len(options.panels), squeeze=False)[0]
    for panel, axis in zip(options.panels, axes, strict=True):
        stage, _, figure = panel.partition(":")
        points = [
            (line["step"], line[figure])
            for line in lines
            if line["stage"] == stage and line.get(figure) is not None
        ]
        if len(points) < 2:
            parser.error(f"{panel}: {options.run} has {len(points)} lines with it")
        axis.plot(*zip(*points, strict=True))
        axis.set(title=f"{stage}: {figure}", xlabel="step")
        axis.grid(alpha=0.4)
    with rc_context({"svg.hashsalt": "curves"}):
        sheet.savefig(options.output, format="svg", metadata={"Date": None})
    print(f"wrote {options.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
