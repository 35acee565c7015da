"""The similarity of two sets in a feature: mgeval's cross-validation by distances (Yang and Lerch, 2020).

The distances of each member of a set to all others of its own (intra) are smoothed to a density, and so are its
distances to all of another set (inter). Two sets of the same kind of music have the same density: the area under both
is near 1, the divergence near 0. A set that differs and a set that lacks variety both score low.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BINS = 4096
_SAMPLES = 1000
"""Points at which densities are compared for the divergence, as in mgeval."""
_TINY = 1e-12


class Likeness(NamedTuple):
    """Overlapping area (0-1, 1 alike) and Kullback-Leibler divergence in nats of two densities of distances."""

    overlap: float
    divergence: float


def intra(members: Floats) -> Floats:
    """Euclidean distances between the rows of one set, each pair once."""
    rows, columns = np.triu_indices(len(members), 1)
    return _distances(members, members)[rows, columns]


def inter(first: Floats, second: Floats) -> Floats:
    """Euclidean distances from every row of one set to every row of the other."""
    return _distances(first, second).ravel()


def likeness(reference: Floats, other: Floats) -> Likeness:
    """The similarity of `other` to `reference` (rows: pieces): the reference's intra-set distances against the
    distances between the two."""
    return compare(intra(reference), inter(reference, other))


def compare(first: Floats, second: Floats) -> Likeness:
    """Overlap and divergence of two samples' Gaussian kernel densities (Scott's bandwidth).

    A sample without spread has no density: two such samples are alike if they are equal; one such sample is unlike any
    other."""
    first_flat, second_flat = np.ptp(first) < _TINY, np.ptp(second) < _TINY
    if first_flat or second_flat:
        equal = first_flat and second_flat and abs(float(first[0] - second[0])) < _TINY
        return Likeness(1.0, 0.0) if equal else Likeness(0.0, math.inf)
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    points = np.linspace(low, high, _BINS)
    first_density, second_density = density(first, points), density(second, points)
    overlap = float(np.trapezoid(np.minimum(first_density, second_density), points))
    # mgeval samples each density over its own range and compares the two shapes point by point.
    p = np.interp(np.linspace(first.min(), first.max(), _SAMPLES), points, first_density)
    q = np.interp(np.linspace(second.min(), second.max(), _SAMPLES), points, second_density)
    p, q = p / p.sum(), np.maximum(q / q.sum(), 1e-300)
    divergence = float(np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / q), 0.0).sum())
    return Likeness(overlap, divergence)


def density(sample: Floats, points: Floats) -> Floats:
    """A Gaussian kernel density with Scott's bandwidth at evenly spaced points that cover the sample.

    The sample is laid onto the points (shared between the two nearest) and convolved once: with 65,536 distances that
    is a thousand times faster than adding up kernels, and exact to about a hundredth of a percent.
    """
    step = float(points[1] - points[0])
    width = float(np.std(sample, ddof=1)) * len(sample) ** -0.2
    place = (sample - points[0]) / step
    below = np.clip(np.floor(place).astype(np.int64), 0, len(points) - 2)
    share = place - below
    mass = np.bincount(below, weights=1 - share, minlength=len(points))
    mass += np.bincount(below + 1, weights=share, minlength=len(points))
    reach = min(len(points) - 1, max(1, math.ceil(6 * width / step)))
    offsets = np.arange(-reach, reach + 1) * step
    kernel = np.exp(-0.5 * (offsets / width) ** 2) / (width * math.sqrt(2 * math.pi) * len(sample))
    size = 1 << (len(mass) + len(kernel) - 1).bit_length()
    smooth = np.fft.irfft(np.fft.rfft(mass, size) * np.fft.rfft(kernel, size), size)
    result: Floats = np.maximum(smooth[reach : reach + len(points)], 0.0)
    return result


def _distances(first: Floats, second: Floats) -> Floats:
    if first.shape[1] == 1:
        result: Floats = np.abs(first - second.T)
        return result
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2 * first @ second.T
    # Rounding gives equal rows a small distance.
    return np.sqrt(np.where(squares < _TINY * 100, 0.0, squares))
