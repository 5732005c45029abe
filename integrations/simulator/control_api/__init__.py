"""The control API, for tests and benches; the simulator's docstring lists it."""
