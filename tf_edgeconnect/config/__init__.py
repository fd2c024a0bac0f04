"""The settings of a run, and how they are loaded and saved.

Enters: a name under `configs/` or a YAML file, and overrides such as `train.steps=3`.
Leaves: a frozen `Config`.
"""

from tf_edgeconnect.config.files import (
    config_names,
    load_config,
    save_config,
    setting_names,
)
from tf_edgeconnect.config.settings import Config
from tf_edgeconnect.config.training import StageConfig, TrainConfig
from tf_edgeconnect.stages import STAGES, Stage

__all__ = [
    "STAGES",
    "Config",
    "Stage",
    "StageConfig",
    "TrainConfig",
    "config_names",
    "load_config",
    "save_config",
    "setting_names",
]
