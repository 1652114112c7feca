"""Mitigation strategies: which subjects and which batches a training sees."""
