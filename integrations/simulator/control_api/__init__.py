"""Control API for tests and benchmarks; integrations/simulator/README.md lists it."""
