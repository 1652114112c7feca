"""Kedro hooks that run before and after the nodes of every run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from faircmr.incremental import IncrementalCatalog, IncrementalParameters, expected_keys
from faircmr.running import StudyConfigLoader, check_parameters, check_places, keep_out_of_git, summarise


class StudyHooks:
    """Check the parameters, tell the catalog what is up to date, and show the tables."""

    def __init__(self) -> None:
        self._parameters: dict[str, BaseModel] = {}
        self._study: Path | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Refuse unknown parameters and values that are not permitted, before anything is written.

        Every name in ``conf/base/globals.yml`` can be set on the command line; its value has been checked when the
        configuration was loaded.
        """
        loader = cast(StudyConfigLoader, context.config_loader)  # settings.py chooses no other
        self._parameters = check_parameters(loader["parameters"], dict(pipelines), loader.setting_names)
        settings = loader["globals"]
        check_places(settings, context.project_path)
        self._study = context.project_path / settings["data_root"] if "data_root" in settings else None

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: IncrementalCatalog) -> None:
        """Compute what the outputs would be made from now; the table of keys may be written here."""
        if self._study is not None and pipeline.all_outputs():
            keep_out_of_git(self._study)
        self._expect(pipeline, catalog)

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: IncrementalCatalog) -> None:
        """Show the tables of all that the run's pipelines make, also when nothing had to be done."""
        names = run_params["pipeline_names"] or ["__default__"]
        whole = sum((pipelines[name] for name in names), Pipeline([]))
        if set(whole.nodes) != set(pipeline.nodes):  # some were left out: what they make may be stale
            self._expect(whole, catalog)
        text = summarise(whole, catalog)
        if text:
            click.echo(f"\n{text}")

    def _expect(self, pipeline: Pipeline, catalog: IncrementalCatalog) -> None:
        incremental = IncrementalParameters.model_validate(self._parameters.get("incremental", {}))
        catalog.keeps_code = incremental.on_code_change == "keep"
        catalog.expected = expected_keys(pipeline, catalog, self._parameters, incremental.on_code_change)
