"""The Beam pipeline: lines of JSON become groups of one size, filled by workers.

Only names and sizes travel between workers; photos are read and written where they are
filled. Each worker process loads the networks once.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import apache_beam as beam
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineState
from apache_beam.utils.shared import Shared

from tf_edgeconnect.batch.filling import FAILED, WORK, Options, fill_group
from tf_edgeconnect.batch.items import Item, size_of
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter

GROUP = 64
COUNTERS = ("done", "skipped", "failed", "pixels")
NAMESPACE = "tf_edgeconnect.batch"
# What `DirectRunner` is, but for its attempt to download another one, Prism, first.
DIRECT = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def run(items: Iterable[Item], options: Options, flags: Sequence[str]) -> dict:
    """Fills photos by the runner that the flags name, and waits for the end.

    Failures become lines of JSON in `failed.jsonl` of the output.

    Args:
        items: what to fill.
        options: how.
        flags: those of Beam; without `--runner` this machine does the work.

    Returns:
        The counters: done, skipped, failed (photos) and pixels (of photos done).

    Raises:
        InputError: there is no such runner, or it ended before its work did.
    """
    work = options.output / WORK
    with open(work, "w", encoding="utf-8") as file:
        file.writelines(f"{item.to_json()}\n" for item in items)
    failed = options.output / FAILED
    failed.unlink(missing_ok=True)
    pipeline = _pipeline(flags)
    (
        pipeline
        | "List" >> beam.io.ReadFromText(str(work))
        | "Spread items" >> beam.Reshuffle()
        | "Read sizes" >> beam.Map(with_size).with_output_types(tuple[str, str])
        | "Group by size" >> beam.GroupByKey()
        | "Cut into groups" >> beam.FlatMap(groups).with_output_types(list[str])
        | "Spread groups" >> beam.Reshuffle()
        | "Fill" >> beam.ParDo(Fill(options)).with_output_types(str)
        | "Failures"
        >> beam.io.WriteToText(
            str(failed), num_shards=1, shard_name_template="", skip_if_empty=True
        )
    )
    result = pipeline.run()
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise InputError(
            f"the runner ended with {state}; start again to continue where it stopped"
        )
    work.unlink()
    return _counted(result)


def with_size(line: str) -> tuple[str, str]:
    """Puts the size of an item's photo before its line; only the header is read."""
    return str(size_of(Item.from_json(line))), line


def groups(sized: tuple[str, Iterable[str]]) -> Iterator[list[str]]:
    """Cuts the lines of one size into groups."""
    lines = iter(sized[1])
    while group := list(islice(lines, GROUP)):
        yield group


class Fill(beam.DoFn):
    """Fills groups of photos; yields a line of JSON for each failure.

    Args:
        options: how.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._shared = Shared()
        self._counters = {name: Metrics.counter(NAMESPACE, name) for name in COUNTERS}

    def setup(self) -> None:
        """Loads the networks, unless another thread of this process did."""
        model = self._options.model
        self._inpainter = self._shared.acquire(lambda: Inpainter.load(model))

    def process(self, group: list[str]) -> Iterator[str]:
        """Fills one group."""
        items = map(Item.from_json, group)
        outcome = fill_group(items, self._options, self._inpainter)
        counts = {
            "done": len(outcome.pixels),
            "skipped": outcome.skipped,
            "failed": len(outcome.failures),
            "pixels": sum(outcome.pixels.values()),
        }
        for name, count in counts.items():
            self._counters[name].inc(count)
        for item, reason in outcome.failures.items():
            failure = {"name": item.name, "photo": item.photo, "reason": reason}
            yield json.dumps(failure)


def _pipeline(flags: Sequence[str]) -> beam.Pipeline:
    options = PipelineOptions(list(flags))
    standard = options.view_as(StandardOptions)
    if standard.runner in (None, "DirectRunner"):
        standard.runner = DIRECT
    try:
        return beam.Pipeline(options=options)
    except (ValueError, ImportError, AttributeError) as error:
        raise InputError(f"Beam refuses these flags: {error}") from None


def _counted(result: beam.runners.runner.PipelineResult) -> dict[str, int]:
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    counts = dict.fromkeys(COUNTERS, 0)
    for counter in found["counters"]:
        counts[counter.key.metric.name] += counter.result
    return counts
