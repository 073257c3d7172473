"""Recordings come in: from folders, manifests and uploads, each with its origin."""
