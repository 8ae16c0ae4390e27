"""A table of a machine's vibrations, drawn at random: what a sensor on a bearing would note."""

import numpy as np

__all__ = ["COLUMNS", "STATES", "draw"]

STATES = ("healthy", "imbalance", "misalignment", "bearing")
COLUMNS = ("speed_hz", "rms", "kurtosis", "crest", "once", "twice", "thrice", "low", "middle",
           "high")
RATE, SAMPLES = 4096, 4096    # Samples a second, and of a window.
RESONANCE, DECAY = 900.0, 0.004    # Of the housing, in Hz and seconds.
DEFECT = 3.57    # Blows of a damaged outer race, each turn.


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return columns ``(n, 10)`` and states ``(n,)`` by number; faults are slight to clear."""
    rng = np.random.default_rng(seed)
    states = rng.integers(0, len(STATES), n)
    return np.array([_columns(rng, STATES[state]) for state in states]), states


def _columns(rng: np.random.Generator, state: str) -> list[float]:
    """Return what is told of one window: the speed, the shape of the signal, and its spectrum."""
    speed = rng.uniform(20, 35)
    x = _signal(rng, state, speed, severity=rng.uniform(0.15, 1))
    deviation = float(x.std())
    spectrum = 2 * np.abs(np.fft.rfft(x * np.hanning(SAMPLES))) / SAMPLES
    harmonics = [_near(spectrum, order * speed) for order in (1, 2, 3)]
    bands = [float(np.sqrt((spectrum[low:high] ** 2).sum()))
             for low, high in ((10, 200), (200, 700), (700, 1100))]
    return [speed, deviation, float(((x - x.mean()) ** 4).mean()) / deviation ** 4,
            float(np.abs(x).max()) / deviation, *harmonics, *bands]


def _signal(rng: np.random.Generator, state: str, speed: float, severity: float) -> np.ndarray:
    time = np.arange(SAMPLES) / RATE
    once, twice = rng.uniform(0.2, 0.5), rng.uniform(0.05, 0.2)    # Every machine has some.
    once += severity * (state == "imbalance")
    twice += severity * (state == "misalignment")
    phases = rng.uniform(0, 2 * np.pi, 3)
    x = sum(size * np.sin(2 * np.pi * order * speed * time + phase) for order, size, phase in zip(
        (1, 2, 3), (once, twice, 0.3 * twice), phases))
    if state == "bearing":
        x = x + severity * _blows(rng, time, DEFECT * speed)
    noise: np.ndarray = x + rng.normal(0, rng.uniform(0.1, 0.3), SAMPLES)
    return noise


def _blows(rng: np.random.Generator, time: np.ndarray, rate: float) -> np.ndarray:
    """Return a housing that rings after each blow; balls slip, so no two are equally far apart."""
    x = np.zeros(len(time))
    at = rng.uniform(0, 1 / rate)
    while at < time[-1]:
        since = time - at
        x += np.where(since >= 0, np.exp(-np.maximum(since, 0) / DECAY)
                      * np.sin(2 * np.pi * RESONANCE * since), 0)
        at += rng.normal(1, 0.02) / rate
    return x


def _near(spectrum: np.ndarray, frequency: float) -> float:
    """Return the highest line within two of a frequency; lines are a hertz apart."""
    line = round(frequency)
    return float(spectrum[line - 2:line + 3].max())
