"""The embedded stack and the command line: the one place that knows all services. Nothing imports it."""
