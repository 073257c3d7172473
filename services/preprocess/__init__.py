"""Recordings are made ready: decoded, segmented into signal and noise, cut into slices."""
