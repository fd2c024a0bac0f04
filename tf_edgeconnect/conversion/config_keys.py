"""The keys of the published system's `config.yml`: what they mean, their defaults.

Facts of the original as its documentation and its defaults state them, beside the names
of this project's settings.
"""

from typing import Any, Literal

STAGES: dict[int, Literal["edge", "inpaint", "edge-inpaint", "joint"]] = {
    1: "edge",
    2: "inpaint",
    3: "edge-inpaint",
    4: "joint",
}
MASK_KINDS = {
    1: {"block": 1.0},
    2: {"half": 1.0},
    3: {"external": 1.0},
    4: {"external": 1.0, "block": 1.0},
    5: {"external": 1.0, "block": 1.0, "half": 1.0},
    6: {"external": 1.0},
}
ADVERSARIAL = {"nsgan": "nonsaturating", "lsgan": "lsgan", "hinge": "hinge"}
DEFAULTS: dict[str, Any] = {
    "MODE": 1,
    "MODEL": 1,
    "MASK": 3,
    "EDGE": 1,
    "NMS": 1,
    "SEED": 10,
    "LR": 1e-4,
    "D2G_LR": 0.1,
    "BETA1": 0.0,
    "BETA2": 0.9,
    "BATCH_SIZE": 8,
    "INPUT_SIZE": 256,
    "SIGMA": 2,
    "MAX_ITERS": 2e6,
    "EDGE_THRESHOLD": 0.5,
    "L1_LOSS_WEIGHT": 1,
    "FM_LOSS_WEIGHT": 10,
    "STYLE_LOSS_WEIGHT": 1,
    "CONTENT_LOSS_WEIGHT": 1,
    "INPAINT_ADV_LOSS_WEIGHT": 0.01,
    "GAN_LOSS": "nsgan",
    "SAVE_INTERVAL": 1000,
    "SAMPLE_INTERVAL": 1000,
    "EVAL_INTERVAL": 0,
    "LOG_INTERVAL": 10,
}
PAPER = {
    "STYLE_LOSS_WEIGHT": 250,
    "CONTENT_LOSS_WEIGHT": 0.1,
    "INPAINT_ADV_LOSS_WEIGHT": 0.1,
}
# Keys that become one of ours as they are.
SAME = {
    "D2G_LR": "train.discriminator_rate",
    "SIGMA": "edge.sigma",
    "EDGE_THRESHOLD": "train.edge_threshold",
    "L1_LOSS_WEIGHT": "losses.l1",
    "FM_LOSS_WEIGHT": "losses.feature_matching",
    "STYLE_LOSS_WEIGHT": "losses.style",
    "CONTENT_LOSS_WEIGHT": "losses.perceptual",
    "INPAINT_ADV_LOSS_WEIGHT": "losses.inpaint_adversarial",
}
WHOLE = {"SEED": "seed", "BATCH_SIZE": "train.batch_size", "MAX_ITERS": "train.steps"}
INTERVALS = {
    "SAVE_INTERVAL": "train.checkpoint_every",
    "SAMPLE_INTERVAL": "train.sample_every",
    "EVAL_INTERVAL": "train.validate_every",
    "LOG_INTERVAL": "train.log_every",
}
NO_COUNTERPART = {
    "GPU": "choose devices with CUDA_VISIBLE_DEVICES, several with --strategy mirrored",
    "DEBUG": "the test script's extra pictures: `inpaint --save-edges`",
    "VERBOSE": "every loss is always logged",
    "TEST_FLIST": "name the photos to `inpaint` or `evaluate`",
    "TEST_EDGE_FLIST": "name the edges to `inpaint --edges`",
    "TEST_MASK_FLIST": "name the masks to `inpaint` or `evaluate --masks`",
    "VAL_EDGE_FLIST": "validation photos take their edges from edge.folder too",
    "VAL_MASK_FLIST": "validation holes are drawn as in training, fixed by position",
    "GAN_POOL_SIZE": "the original never used it either",
    "SAMPLE_SIZE": "sample sheets have a size of their own",
    "RESULTS": "name the results with `inpaint -o`",
}
LISTS = ("TRAIN_FLIST", "VAL_FLIST", "TRAIN_MASK_FLIST", "TRAIN_EDGE_FLIST")
KNOWN = {*DEFAULTS, *NO_COUNTERPART, *LISTS}
