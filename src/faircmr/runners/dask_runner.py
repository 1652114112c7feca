"""``kedro run --runner faircmr.runners.DaskRunner``: run nodes and fits in parallel, locally or on a cluster."""

from __future__ import annotations

from concurrent.futures import Executor
from importlib.util import find_spec
from typing import Any

from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner

from faircmr.core import ClusterParameters, InvalidParameterError

REQUIRED_PACKAGES = ("distributed", "dask_jobqueue", "cryptography")
INSTALL = "install it with pip install 'faircmr[cluster]'"


class DaskRunner(AbstractRunner):
    """Runs each node on a worker of a Dask cluster as soon as what it needs is there.

    A node that fails takes along those that need what it makes; all others run. The parameters
    ``cluster`` say where: see :class:`~faircmr.core.ClusterParameters`. Only names travel between
    processes: a node reads its inputs from the study's folder, which every worker must see, and writes its outputs
    there. Hooks of nodes and data sets are not called.
    """

    def _get_executor(self, max_workers: int) -> Executor | None:
        return None

    def _run(
        self,
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
        hook_manager: Any = None,
        run_id: str | None = None,
    ) -> None:
        """Run the nodes.

        Raises:
            FaircmrError: A node has failed, after all that could be run has been run, or the cluster is lost.
            InvalidParameterError: Dask is not installed, or a node would hand over data in memory.
        """
        if not pipeline.nodes:
            return
        _refuse_data_in_memory(pipeline, catalog)
        configured = catalog.get("params:cluster")
        parameters = ClusterParameters.model_validate({} if configured is None else configured.load())
        for library in REQUIRED_PACKAGES:
            if find_spec(library) is None:
                raise InvalidParameterError("--runner", "DaskRunner", f"{library}, which is not installed", INSTALL)
        from faircmr.runners.cluster import cluster_client
        from faircmr.runners.node_graph import NodeGraph

        with cluster_client(parameters) as client:
            NodeGraph(client, pipeline, catalog, parameters.retries).run()


def _refuse_data_in_memory(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
    for name in sorted({name for node in pipeline.nodes for name in node.outputs}):
        if isinstance(catalog.get(name), MemoryDataset):
            permitted = "with DaskRunner a data set in the catalog, which other processes can read"
            raise InvalidParameterError(name, "kept in memory", permitted, "add it to the catalog")
