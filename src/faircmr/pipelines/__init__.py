"""Kedro pipelines: nodes adapt and delegate."""
