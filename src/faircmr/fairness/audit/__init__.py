"""Is this model fair? The same questions of a study and of anybody's scores."""
