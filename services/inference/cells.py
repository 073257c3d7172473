"""Cells of a quarter of a degree that the world is divided into, and distances between them."""

import numpy as np
import numpy.typing as npt

PER_DEGREE = 4
ROWS, COLUMNS = 180 * PER_DEGREE, 360 * PER_DEGREE
NOWHERE = -1
"""The cell of a recording without a place."""
EARTH_KM = 6371.0
"""Mean radius."""

Floats = npt.NDArray[np.float64]


def unit_vectors(latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> Floats:
    """Points on the unit sphere, (..., 3), of degrees (...): there the poles and the date line are like any place."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def middles(cells: npt.NDArray[np.int64]) -> Floats:
    """Unit vectors, (cells, 3), of the middles of cells by their numbers: row from the south times 1,440, and column
    from 180 degrees west."""
    row, column = np.divmod(cells, COLUMNS)
    return unit_vectors((row + 0.5) / PER_DEGREE - 90, (column + 0.5) / PER_DEGREE - 180)


def distances_km(points: Floats, latitude: float, longitude: float) -> Floats:
    """Along the great circle, (points,), from a place in degrees to unit vectors (points, 3)."""
    chord = np.linalg.norm(points - unit_vectors(latitude, longitude), axis=1)
    found: Floats = 2 * EARTH_KM * np.arcsin(np.minimum(chord / 2, 1.0))
    return found
