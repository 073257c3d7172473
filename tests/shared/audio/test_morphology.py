import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from shared.audio.morphology import dilate, dilate_square, erode, erode_square

Mask = npt.NDArray[np.bool_]
masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.booleans())


@given(masks, st.integers(1, 15), st.sampled_from([0, 1]))
def test_lines_erode_and_dilate_as_scipy_defines_it(mask: Mask, size: int, axis: int) -> None:
    footprint = np.ones((size, 1) if axis == 0 else (1, size), bool)
    assert np.array_equal(erode(mask, size, axis), ndimage.binary_erosion(mask, footprint))
    assert np.array_equal(dilate(mask, size, axis), ndimage.binary_dilation(mask, footprint))


@given(masks, st.integers(1, 5))
def test_an_opening_keeps_the_cells_of_all_squares_that_fit(mask: Mask, size: int) -> None:
    kept = np.zeros_like(mask)
    for row in range(mask.shape[0] - size + 1):
        for column in range(mask.shape[1] - size + 1):
            if mask[row : row + size, column : column + size].all():
                kept[row : row + size, column : column + size] = True
    assert np.array_equal(dilate_square(erode_square(mask, size), size), kept)


@pytest.mark.parametrize("size", [1, 4])
def test_a_single_pixel_grows_into_a_square(size: int) -> None:
    mask = np.zeros((12, 12), bool)
    mask[6, 6] = True
    assert dilate_square(mask, size).sum() == size * size
