"""The original's `config.yml` becomes ours, and says what has no counterpart."""

import pytest
import yaml

from tf_edgeconnect.config import load_config, save_config
from tf_edgeconnect.conversion.config import KEYS, convert_config, original_sigma
from tf_edgeconnect.errors import InputError


@pytest.fixture
def converted(tmp_path):
    """Converts keys given as keyword arguments."""

    def convert(**keys):
        path = tmp_path / "config.yml"
        path.write_text(yaml.safe_dump(keys))
        return convert_config(path)

    return convert


BLOCKS = {"MODE": 1, "MASK": 1}  # needs no files


def test_every_key_of_the_original_becomes_a_line(converted):
    keys = dict.fromkeys(KEYS, 1) | {"EDGE_THRESHOLD": 0.5, "INPUT_SIZE": 256}
    found = converted(**keys | {"BETA1": 0.5, "BETA2": 0.9, "GAN_LOSS": "lsgan"})
    assert len(found.lines) == len(KEYS)
    for key in KEYS:
        assert sum(line.startswith(f"{key}: ") for line in found.lines) == 1


def test_values_arrive_under_our_names(converted):
    config = converted(
        **BLOCKS,
        TRAIN_FLIST="train.flist",
        VAL_FLIST="val.flist",
        SEED=7,
        LR=2e-4,
        D2G_LR=0.2,
        BETA1=0.5,
        BETA2=0.99,
        BATCH_SIZE=4,
        INPUT_SIZE=128,
        SIGMA=1.5,
        MAX_ITERS=500,
        EDGE_THRESHOLD=0.4,
        L1_LOSS_WEIGHT=2,
        FM_LOSS_WEIGHT=11,
        STYLE_LOSS_WEIGHT=251,
        CONTENT_LOSS_WEIGHT=0.2,
        INPAINT_ADV_LOSS_WEIGHT=0.3,
        SAVE_INTERVAL=10,
        SAMPLE_INTERVAL=20,
        EVAL_INTERVAL=30,
        LOG_INTERVAL=40,
    ).config
    assert (config.data.train, config.data.val) == ("train.flist", "val.flist")
    assert (config.seed, config.data.size, config.edge.sigma) == (7, 128, 1.5)
    losses, train = config.losses, config.train.for_stage("edge")
    assert (losses.l1, losses.feature_matching, losses.style) == (2, 11, 251)
    assert (losses.perceptual, losses.inpaint_adversarial) == (0.2, 0.3)
    assert (train.learning_rate, train.discriminator_rate) == (2e-4, 0.2)
    assert train.betas == (0.5, 0.99)
    assert (train.batch_size, train.steps, train.edge_threshold) == (4, 500, 0.4)
    assert (train.checkpoint_every, train.sample_every) == (10, 20)
    assert (train.validate_every, train.log_every) == (30, 40)


def test_missing_keys_take_the_originals_defaults_and_warn_against_the_paper(converted):
    found = converted(**BLOCKS)
    losses = found.config.losses
    weights = (losses.style, losses.perceptual, losses.inpaint_adversarial)
    assert weights == (1, 1, 0.01)
    warned = [line for line in found.warnings if "the paper has" in line]
    assert [line.split()[0] for line in warned] == [
        "STYLE_LOSS_WEIGHT",
        "CONTENT_LOSS_WEIGHT",
        "INPAINT_ADV_LOSS_WEIGHT",
    ]
    assert "LR: 0.0001 (missing, the original's default)" in "\n".join(found.lines)


def test_given_weights_are_not_warned_about(converted):
    found = converted(
        **BLOCKS,
        TRAIN_FLIST="x",
        STYLE_LOSS_WEIGHT=1,
        CONTENT_LOSS_WEIGHT=1,
        INPAINT_ADV_LOSS_WEIGHT=1,
    )
    assert found.warnings == []


@pytest.mark.parametrize(
    ("model", "stage"), [(1, "edge"), (2, "inpaint"), (3, "edge-inpaint"), (4, "joint")]
)
def test_model_becomes_a_stage(converted, model, stage):
    found = converted(**BLOCKS, MODEL=model)
    assert found.stage == stage
    assert found.config.joint.keep_edge_discriminator == (stage == "joint")
    assert any(f"`train --stage {stage}`" in line for line in found.lines)


@pytest.mark.parametrize(
    ("mask", "kinds"),
    [
        (1, {"block"}),
        (2, {"half"}),
        (3, {"external"}),
        (4, {"external", "block"}),
        (5, {"external", "block", "half"}),
        (6, {"external"}),
    ],
)
def test_mask_kinds_are_equally_likely_as_in_the_original(converted, mask, kinds):
    config = converted(MASK=mask, TRAIN_MASK_FLIST="masks").config
    assert config.mask.kinds == dict.fromkeys(kinds, 1.0)
    assert config.mask.folder == ("masks" if "external" in kinds else None)


@pytest.mark.parametrize("sigma", [0, -1, 2])
def test_sigma_keeps_its_meaning(converted, tmp_path, sigma):
    assert converted(**BLOCKS, SIGMA=sigma).config.edge.sigma == sigma
    assert original_sigma(tmp_path / "config.yml") == sigma


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("nsgan", "nonsaturating"), ("lsgan", "lsgan"), ("hinge", "hinge")],
)
def test_the_adversarial_loss_keeps_its_meaning(converted, theirs, ours):
    assert converted(**BLOCKS, GAN_LOSS=theirs).config.losses.adversarial == ours


@pytest.mark.parametrize("nms", [0, 1])
def test_external_edges_are_thinned_where_the_original_did(converted, nms):
    edge = converted(**BLOCKS, EDGE=2, TRAIN_EDGE_FLIST="edges", NMS=nms).config.edge
    assert (edge.source, edge.folder) == ("external", "edges")
    assert edge.non_max_suppression == bool(nms)


def test_a_list_of_masks_becomes_the_folder_of_its_files(converted, tmp_path):
    masks = tmp_path / "masks.flist"
    masks.write_text("/data/masks/a/1.png\n/data/masks/b/2.png\n")
    found = converted(MASK=3, TRAIN_MASK_FLIST=str(masks))
    assert found.config.mask.folder == "/data/masks"
    assert any("became the folder of its files" in line for line in found.warnings)


def test_never_becomes_once_at_the_end(converted):
    train = converted(**BLOCKS, MAX_ITERS="3e3", SAVE_INTERVAL=0).config.train
    assert (train.steps, train.checkpoint_every, train.validate_every) == (3000,) * 3


def test_what_would_change_the_result_silently_is_warned_about(converted):
    found = converted(**BLOCKS, INPUT_SIZE=0, MODEL=4, COLOUR=1)
    for word in ("INPUT_SIZE 0", "LR 0.0001 holds", "COLOUR is no"):
        assert any(line.startswith(word) for line in found.warnings), word


def test_the_result_loads_again_as_the_same_config(converted, tmp_path):
    config = converted(MASK=5, TRAIN_MASK_FLIST="masks", LR="1e-4").config
    save_config(config, tmp_path / "ours.yaml")
    assert load_config(tmp_path / "ours.yaml") == config


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"MODEL": 5}, "MODEL: expected one of 1, 2, 3, 4, got 5"),
        ({"MODE": 0}, "MODE: expected one of 1, 2, 3, got 0"),
        ({"MODE": [1]}, "MODE: expected one of 1, 2, 3, got [1]"),
        ({"MASK": "all"}, "MASK: expected one of 1, 2, 3, 4, 5, 6, got 'all'"),
        ({"GAN_LOSS": "wgan"}, "GAN_LOSS: expected one of nsgan, lsgan, hinge"),
        ({"LR": "fast"}, "LR: expected a number, got 'fast'"),
        ({"BATCH_SIZE": 2.5}, "BATCH_SIZE: expected a whole number, got 2.5"),
        ({"BATCH_SIZE": 0}, "train.batch_size: Input should be greater than or"),
        ({"INPUT_SIZE": 255}, "data.size: Input should be a multiple of 4, got 255"),
        ({"MASK": 3}, "TRAIN_MASK_FLIST is missing, which names the masks"),
        ({"EDGE": 2}, "TRAIN_EDGE_FLIST is missing, which names the edge maps"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key(converted, tmp_path, keys, word):
    with pytest.raises(InputError) as caught:
        converted(**BLOCKS | keys)
    message = str(caught.value)
    assert word in message and message.isprintable()
    assert str(tmp_path / "config.yml") in message


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "data: {train: x}", "\x00"])
def test_another_file_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "config.yml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        convert_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()
