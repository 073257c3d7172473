"""Xeno-canto as a source: recordings by its API, version 3."""
