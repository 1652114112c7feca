"""The segmentation engine. It knows neither Kedro nor fairness; group labels ride along as opaque keys."""
