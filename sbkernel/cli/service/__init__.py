"""The verbs that ask the service, or follow jobs."""
