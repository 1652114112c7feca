"""The vocabulary of a study: cohort, scan, phase, structure, splits, parameters and errors."""
