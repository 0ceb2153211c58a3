"""A root on disk: namespaces to work in it, configuring, stamping, lint, what is installed."""
