"""A run's curves as one SVG, from its `metrics.jsonl`.

    python benchmarks/curves.py runs/small -o curves.svg \
        inpaint:val/hole_psnr inpaint:inpaint/l1 edge:val/average_precision

Each STAGE:FIGURE is a panel, steps to the right.
"""

import argparse
import json
from pathlib import Path

WIDTH, HEIGHT, GAP = 420, 220, 56
COLOUR, INK, GRID = "#0072b2", "#3a3a40", "#dcdcd8"


def main() -> int:
    """Writes the file and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("panels", nargs="+", metavar="STAGE:FIGURE")
    parser.add_argument("--output", "-o", type=Path, required=True)
    options = parser.parse_args()
    text = (options.run / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    panels = []
    for index, panel in enumerate(options.panels):
        stage, _, figure = panel.partition(":")
        points = [
            (line["step"], line[figure])
            for line in lines
            if line["stage"] == stage and line.get(figure) is not None
        ]
        if len(points) < 2:
            parser.error(f"{panel}: {options.run} has {len(points)} lines with it")
        panels.append(_panel(f"{stage}: {figure}", points, index * (WIDTH + GAP)))
    width, height = len(panels) * (WIDTH + GAP), HEIGHT + 2 * GAP
    options.output.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="13" fill="{INK}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )
    print(f"wrote {options.output}")
    return 0


def _panel(title: str, points: list[tuple[int, float]], shift: int) -> str:
    last = max(step for step, _ in points)
    low, high = (f(value for _, value in points) for f in (min, max))
    span = high - low or 1.0

    def x(step: float) -> float:
        return step / last * (WIDTH - GAP)

    def y(value: float) -> float:
        return HEIGHT - (value - low) / span * HEIGHT

    grid = "".join(
        f'<path d="M0,{y(value):.1f}H{WIDTH - GAP}" stroke="{GRID}"/>'
        f'<text x="-6" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        for value in (low + span * part / 4 for part in range(5))
    )
    ticks = "".join(
        f'<text x="{x(step):.1f}" y="{HEIGHT + 20}" text-anchor="middle">'
        f"{step:,.0f}</text>"
        for step in (0, last / 2, last)
    )
    path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
    line = f'<polyline points="{path}" fill="none" stroke="{COLOUR}"/>'
    return (
        f'<g transform="translate({shift + GAP},{GAP})">'
        f'<text y="-14" font-weight="bold">{title}</text>{grid}{ticks}{line}</g>'
    )


if __name__ == "__main__":
    raise SystemExit(main())
