"""Print as JSON which nodes a run of some pipelines would run, in the current folder; run in a process of its own."""

import json
import sys
from pathlib import Path

from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project
from kedro.runner import SequentialRunner


class ListingRunner(SequentialRunner):
    """Keeps the nodes that are left after Kedro's filter, and runs none."""

    nodes: tuple[str, ...] = ()

    def _run(self, pipeline, catalog, hook_manager=None, run_id=None):
        ListingRunner.nodes = tuple(node.name for node in pipeline.nodes)


bootstrap_project(Path.cwd())
with settings.SESSION_CLASS.create(project_path=Path.cwd()) as session:
    session.run(pipeline_names=sys.argv[1:], runner=ListingRunner())
sys.stdout.write(json.dumps(ListingRunner.nodes))
