"""The tests: they mirror ``src/faircmr``; beside them, the architecture, the packaging, and whole studies."""
