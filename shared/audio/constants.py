"""The time grid that every part of the chain shares."""

from typing import Final

SAMPLE_RATE: Final = 22_050
"""Samples per second of all prepared audio: what is below 11 kHz holds nearly all bird song."""

WINDOW_SECONDS: Final = 5.0
STEP_SECONDS: Final = 2.5

WINDOW_SAMPLES: Final = 110_250
"""5 s: what a network looks at."""

STEP_SAMPLES: Final = 55_125
"""2.5 s: half a window, so that a song cut by one window's edge is whole in the next."""
