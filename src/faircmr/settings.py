"""Kedro's settings of this project."""

import os
import warnings

from faircmr.hooks import StudyHooks
from faircmr.incremental import IncrementalCatalog
from faircmr.running import RunStatus, StepProgress, StudyConfigLoader, StudySession, first_given

# Patient data may be near: nothing is sent anywhere, also not by tools started from here.
os.environ["KEDRO_DISABLE_TELEMETRY"] = os.environ.get("KEDRO_DISABLE_TELEMETRY") or "1"
# Kedro-Viz' hooks write tracebacks to .viz and overwrite its run status when there is nothing to do: see RunStatus.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry", "kedro-viz")

# Between Kedro and a library of its own, or about names that we mean as they are: nothing a user can act on.
warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")
warnings.filterwarnings("ignore", message="One or more dataset names contain '.' characters")

HOOKS = (StudyHooks(), RunStatus(), StepProgress())
SESSION_CLASS = StudySession
DATA_CATALOG_CLASS = IncrementalCatalog
CONFIG_LOADER_CLASS = StudyConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # an environment or strategy says only what it changes
    "merge_strategy": {"parameters": "soft", "globals": "soft"},
    "custom_resolvers": {"first": first_given},
}
