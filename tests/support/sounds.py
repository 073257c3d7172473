"""Sounds made by the tests: two invented birds that any classifier can tell apart."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 22_050
SPECIES = ("Avis ascendens", "Avis descendens")


def chirps(species: str, seconds: float = 6.0, seed: int = 0) -> npt.NDArray[np.float32]:
    """Chirps that rise (ascendens) or fall (descendens) over a little noise, (samples,), mono, 22,050 Hz."""
    random = np.random.default_rng(seed)
    samples = int(seconds * RATE)
    sound = 0.004 * random.standard_normal(samples)
    length = int(0.25 * RATE)
    sweep = np.linspace(0, 1, length) if species == SPECIES[0] else np.linspace(1, 0, length)
    tone = 0.4 * np.hanning(length) * np.sin(2 * np.pi * np.cumsum(2_500 + 3_000 * sweep) / RATE)
    for start in range(int(random.uniform(0.0, 0.3) * RATE), samples - length, int(random.uniform(0.5, 0.8) * RATE)):
        sound[start : start + length] += tone * random.uniform(0.5, 1.0)
    return sound.astype(np.float32)


def write_folder(root: Path, per_species: int = 6, seconds: float = 6.0) -> list[Path]:
    """A folder with one sub-folder of WAV files per invented species."""
    paths = []
    for species in SPECIES:
        (root / species).mkdir(parents=True, exist_ok=True)
        for number in range(per_species):
            path = root / species / f"{number:03}.wav"
            seed = number + 1000 * SPECIES.index(species)
            soundfile.write(path, chirps(species, seconds, seed), RATE, subtype="PCM_16")
            paths.append(path)
    return paths
