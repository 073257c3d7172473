"""Binary morphology with straight footprints, by shifted logical operations; as scipy.ndimage defines it.

Beyond the edges everything is False, for erosion too: half a group at the rim of a spectrogram is no group.
"""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def erode(mask: Mask, size: int, axis: int) -> Mask:
    """True where all of `size` neighbours along the axis are, from `size // 2` before to `(size - 1) // 2` after."""
    return _combine(mask, size, axis, size // 2, np.logical_and)


def dilate(mask: Mask, size: int, axis: int) -> Mask:
    """True where any of `size` neighbours along the axis is, from `(size - 1) // 2` before to `size // 2` after.

    The mirror image of `erode`, so that eroding and dilating moves nothing.
    """
    return _combine(mask, size, axis, (size - 1) // 2, np.logical_or)


def erode_square(mask: Mask, size: int) -> Mask:
    """(rows, columns): one cell of each `size` x `size` square that fits into the mask; `dilate_square` gives them all.

    Both together are the opening.
    """
    return erode(erode(mask, size, 0), size, 1)


def dilate_square(mask: Mask, size: int) -> Mask:
    return dilate(dilate(mask, size, 0), size, 1)


def _combine(mask: Mask, size: int, axis: int, before: int, operation: np.ufunc) -> Mask:
    length = mask.shape[axis]
    # Slices of the array as it lies in memory, so that the inner loop stays contiguous for both axes.
    ahead = (slice(None),) * axis
    wide = np.zeros((*mask.shape[:axis], length + size - 1, *mask.shape[axis + 1 :]), bool)
    wide[(*ahead, slice(before, before + length))] = mask
    result = wide[(*ahead, slice(0, length))].copy()
    for shift in range(1, size):
        operation(result, wide[(*ahead, slice(shift, shift + length))], out=result)
    return result
