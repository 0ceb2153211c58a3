"""The verbs on hardware, and on nodes that run."""
