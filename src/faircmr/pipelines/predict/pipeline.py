"""Unlabelled scans and a trained strategy -> label images and volumes."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.predict import nodes


def create_pipeline() -> Pipeline:
    """Unlabelled scans -> label images at ED and ES -> volumes of every frame, and what was left out.

    The catalog's ``predict_strategy`` says which strategy: its models are read as they lie there, and
    nothing is trained.
    """
    return pipeline(
        [
            node(
                nodes.segment_scans,
                {
                    "unlabelled": "unlabelled",
                    "model": "predict.model",
                    "localiser_models": "predict.localiser",
                    "localiser": "params:localiser",
                    "postprocessing": "predict.postprocessing",
                    "inference": "params:inference",
                    "predict": "params:predict",
                },
                "predict.predictions",
                name="segment_scans",
                tags="gpu",
            ),
            node(
                nodes.tabulate_left_out,
                ["unlabelled", "predict.predictions"],
                "predict.left_out",
                name="tabulate_left_out",
                tags="cpu",
            ),
            node(nodes.tabulate_volumes, "predict.predictions", "predict.volumes", name="tabulate_volumes", tags="cpu"),
        ],
        tags="predict",
    )
