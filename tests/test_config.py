"""Settings of a run: defaults, files, overrides, and mistakes told in one line."""

import re

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from tf_edgeconnect.config import (
    STAGES,
    Config,
    config_names,
    load_config,
    save_config,
)
from tf_edgeconnect.errors import InputError


def written(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(name_or_file=None, overrides=()):
    with pytest.raises(InputError) as caught:
        load_config(name_or_file, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_the_published_settings():
    config = Config()
    assert (config.data.size, config.train.batch_size, config.edge.sigma) == (256, 8, 2)
    assert (config.model.filters, config.model.residual_blocks) == (64, 8)
    losses = config.losses
    assert (losses.edge_adversarial, losses.feature_matching) == (1, 10)
    assert (losses.l1, losses.inpaint_adversarial) == (1, 0.1)
    assert (losses.perceptual, losses.style) == (0.1, 250)
    assert losses.adversarial == "nonsaturating"
    assert config.train.discriminator_rate == 0.1
    rates = [config.train.for_stage(stage).learning_rate for stage in STAGES]
    assert rates == [1e-4, 1e-4, 1e-4, 1e-6]
    assert {config.train.for_stage(stage).steps for stage in STAGES} == {2_000_000}


def test_every_setting_says_what_it_is():
    def fields(model):
        for name, field in model.model_fields.items():
            yield name, field
            if isinstance(field.annotation, type):
                if issubclass(field.annotation, BaseModel):
                    yield from fields(field.annotation)

    assert [name for name, field in fields(Config) if not field.description] == []


def test_without_a_name_the_quickstart_is_loaded():
    assert load_config() == load_config("quickstart")


def test_shipped_configs_load_by_name():
    assert config_names() == [
        "celeba",
        "mobile",
        "places2",
        "psv",
        "quickstart",
        "small",
    ]
    for name in config_names():
        assert load_config(name).seed == 0


@pytest.mark.parametrize("name", ["places2", "celeba", "psv"])
def test_published_configs_keep_the_published_networks_losses_and_rates(name):
    config = load_config(name)
    assert config.model == Config().model
    assert config.losses == Config().losses
    assert config.train.batch_size == 8
    assert config.train.steps == 2_000_000
    assert config.train.for_stage("edge").learning_rate == 1e-4
    assert config.train.for_stage("edge").schedule == "plateau"
    assert config.train.for_stage("joint").learning_rate == 1e-6


def test_quickstart_needs_no_download():
    config = load_config("quickstart")
    assert config.data.train.startswith("sample:")
    assert (config.losses.perceptual, config.losses.style) == (0, 0)


def test_a_file_holds_what_differs(tmp_path):
    path = written(tmp_path, "train: {batch_size: 2}\nmask: {kinds: {half: 1}}\n")
    config = load_config(path)
    assert config.train.batch_size == 2
    assert config.mask.kinds == {"half": 1.0}
    assert config.losses == Config().losses


def test_an_empty_file_means_the_defaults(tmp_path):
    assert load_config(written(tmp_path, "# nothing\n")) == Config()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("2E-3", 2e-3), ("3", 3.0), (".5", 0.5), ("1_0.5", 10.5)],
)
def test_numbers_in_any_spelling_are_numbers(tmp_path, text, value):
    config = load_config(written(tmp_path, f"train: {{learning_rate: {text}}}\n"))
    assert config.train.learning_rate == value
    assert load_config(None, [f"train.learning_rate={text}"]).train.learning_rate == (
        value
    )


def test_an_integer_in_scientific_notation_is_an_integer():
    steps = load_config(None, ["train.steps=2e6"]).train.steps
    assert steps == 2_000_000 and isinstance(steps, int)


@pytest.mark.parametrize(
    "source", ["sample:", "tfds:celeb_a", "*.tfrecord", "photos #1", "2024-01-01", "no"]
)
def test_an_override_takes_text_as_it_stands(source):
    assert load_config(None, [f"data.train={source}"]).data.train == source


def test_overrides_apply_in_order():
    config = load_config(None, ["seed=1", "train.steps=3", "seed=2"])
    assert (config.seed, config.train.steps) == (2, 3)


def test_a_mapping_replaces_and_a_longer_key_adds(tmp_path):
    path = written(tmp_path, "mask: {kinds: {half: 2}}\n")
    for config in (
        load_config(path, ["mask.kinds={block: 1}"]),
        load_config(path, ["mask.kinds={half: 3}", "mask.kinds={block: 1}"]),
    ):
        assert config.mask.kinds == {"block": 1.0}
    added = load_config(path, ["mask.kinds.block=1"])
    assert added.mask.kinds == {"half": 2.0, "block": 1.0}


def test_an_override_can_complete_a_file(tmp_path):
    path = written(tmp_path, "edge: {source: external}\n")
    assert load_config(path, ["edge.folder=lines"]).edge.folder == "lines"


def test_one_value_serves_every_stage(tmp_path):
    train = load_config(written(tmp_path, "train: {steps: 7}\n")).train
    assert [train.for_stage(stage).steps for stage in STAGES] == [7, 7, 7, 7]


def test_a_stage_of_its_own_leaves_the_others_alone(tmp_path):
    path = written(tmp_path, "train: {steps: 7, learning_rate: {joint: 1e-5}}\n")
    train = load_config(path, ["train.steps.edge=10"]).train
    assert [train.for_stage(stage).steps for stage in STAGES] == [10, 7, 7, 7]
    rates = [train.for_stage(stage).learning_rate for stage in STAGES]
    assert rates == [1e-4, 1e-4, 1e-4, 1e-5]


def test_for_stage_keeps_all_other_settings_and_knows_its_stages():
    train = Config().train
    edge = train.for_stage("edge")
    assert edge.model_dump(exclude={"learning_rate"}) == train.model_dump(
        exclude={"learning_rate"}
    )
    with pytest.raises(ValueError, match="edge, inpaint, edge-inpaint, joint.*'color'"):
        train.for_stage("color")


def test_a_config_is_frozen():
    with pytest.raises(ValidationError):
        Config().train.batch_size = 3


@pytest.mark.parametrize(
    "name", ["celeba", "mobile", "places2", "psv", "quickstart", "small"]
)
def test_a_saved_config_loads_back_equal(tmp_path, name):
    config = load_config(
        name, ["train.steps.edge=3", "data.val=a: b", "train.lower_at=[5, 9]"]
    )
    save_config(config, tmp_path / "config.yaml")
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["seed"] == 0


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.step=3", "train.step: unknown key; did you mean train.steps?"),
        ("batch_size=3", "unknown key; did you mean train.batch_size?"),
        ("modle.filters=3", "modle: unknown key; did you mean model?"),
        ("zzz=3", "zzz: unknown key"),
        ("train.steps=many", "train.steps: Input should be a valid integer"),
        ("train.steps=1.5", "train.steps: Input should be a valid integer, got a num"),
        (
            "train.steps=0",
            "train.steps: Input should be greater than or equal to 1, got",
        ),
        ("train.steps.edg=3", "train.steps.edg: Input should be 'edge', 'inpaint', "),
        (
            "train.learning_rate=0",
            "learning_rate: Input should be greater than 0, got 0",
        ),
        ("train.ema=1", "train.ema: Input should be less than 1, got 1"),
        ("train.ema=nan", "train.ema: Input should be a finite number"),
        ("data.size=30", "data.size: Input should be a multiple of 4, got 30"),
        ("data.train=", "data.train: Input should be a valid string, got None"),
        ("data.flip=maybe", "data.flip: Input should be a valid boolean"),
        (
            "edge.source=sobel",
            "edge.source: Input should be 'canny' or 'external', got",
        ),
        (
            "edge.sigma=-0.5",
            "edge: sigma must be 0 or more, or exactly -1 for no edges, got -0.5",
        ),
        ("edge.source=external", "edge: source external needs a folder"),
        ("mask.kinds.external=1", "mask: kinds.external needs folder, a mask file or"),
        ("losses.feature_crop=97", "losses.feature_crop must be at most data.size, 96"),
        ("mask.kinds={blok: 1}", "mask.kinds.blok: Input should be 'block', 'half', "),
        ("mask.kinds={}", "mask.kinds: at least one weight must be above 0, got {}"),
        (
            "mask.hole_ratio=[0.5, 0.1]",
            "mask: hole_ratio: the lower end comes first, got [0.5, 0.1]",
        ),
        ("mask.hole_ratio=[0.5]", "mask.hole_ratio.1: Field required, got [0.5]"),
        ("model=3", "model: Input should be a valid dictionary"),
        ("seed.x=3", "seed: Input should be a valid integer, got {'x': 3}"),
        (
            "train.schedule=steps",
            "train: schedule steps needs at least one step in lower_at",
        ),
        ("train.lower_at=[3, 1]", "train: lower_at: steps must ascend, got [3, 1]"),
        ("train.steps", "override 'train.steps': expected key=value"),
        ("=3", "override '=3': expected key=value"),
        ("train..steps=3", "override 'train..steps=3': expected key=value"),
        ("mask.kinds={block", "override 'mask.kinds={block': not valid YAML: line 1"),
    ],
)
def test_a_wrong_override_is_told_in_one_line(override, message):
    assert message in refusal(None, [override])


def test_the_message_tells_a_file_from_an_override(tmp_path):
    path = written(tmp_path, "data: {size: 30}\n")
    message = refusal(path, ["train.step=3"])
    assert (
        f"config {path}: data.size: Input should be a multiple of 4, got 30" in message
    )
    assert "override: train.step: unknown key" in message


def test_many_mistakes_are_counted(tmp_path):
    path = written(tmp_path, "{a: 1, b: 2, c: 3, d: 4, e: 5}\n")
    assert refusal(path).endswith("; and 2 more")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train:\n  steps: 3\n  steps: 4\n", "line 3, column 3: duplicate key 'steps'"),
        ("train: {steps: 3\n", "not valid YAML: line 2"),
        ("train:\n\tsteps: 3\n", "not valid YAML: line 2"),
        ("data:\n  train: sample:\n", "not valid YAML: line 2"),
        ("train: !!python/object:os.system {}\n", "not valid YAML: line 1"),
        ("- seed\n", "expected `key: value` lines, got list"),
        ("seed\n", "expected `key: value` lines, got str"),
        ("1: 2\n", "1: "),
        ("train: 3\n", "train: Input should be a valid dictionary"),
        ("seed: 1\x00\n", "not valid YAML"),
    ],
)
def test_a_malformed_file_is_told_in_one_line(tmp_path, text, message):
    path = written(tmp_path, text)
    assert refusal(path).startswith(f"config {path}: ")
    assert message in refusal(path)


def test_a_file_that_is_not_text_is_told_in_one_line(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xff\xfe\xfa\x00")
    assert f"config {path}: not valid YAML" in refusal(path)


def test_a_missing_file_and_a_folder_are_told_in_one_line(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "no.yaml")
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    assert "cannot be read: Is a directory" in refusal(folder)


def test_an_unknown_name_lists_the_names():
    message = refusal("place2")
    assert re.search(r"'place2': expected one of celeba, .*places2, .*\.yaml", message)
