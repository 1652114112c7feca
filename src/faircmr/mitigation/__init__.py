"""Mitigation strategies: which subjects, which batches, which loss, which stages."""
