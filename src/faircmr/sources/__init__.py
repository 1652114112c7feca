"""One adapter a data set: each turns files on disk into a ``Cohort``."""
