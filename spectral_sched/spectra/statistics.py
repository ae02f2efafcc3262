"""Statistics of a data set that can be merged: the same bits in any order.

Per image only exact sums grow (`ExactSum`) and a sample is kept: the images whose
pixels have the smallest hash, which is a uniform sample that does not depend on the
order, on the sharding, or on the container the images came in.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .distinct import DistinctKeys
from .exact_sum import ExactSum
from .rings import channel_pairs, rings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape

    from .periodogram import RingPowers


SAMPLE_SIZE = 256
"""Images in the sample of the data set, and at most in that of each class."""

CLASS_SAMPLE_TOTAL = 16384
"""Images in the samples of all classes together; many classes get fewer each."""

KEY_MODULUS = 1 << 128


class Observation(NamedTuple):
    """One analysed image: its pixel key, its class and its powers."""

    key: bytes
    label: str
    powers: RingPowers


class SampledImage(NamedTuple):
    """One image of the sample, ordered by its key.

    `power` is the channel mean per ring, (K,), ring 0 not centred.
    """

    key: bytes
    label: str
    power: NDArray[np.float64]
    channel_mean: NDArray[np.float64]


@dataclass
class SpectrumStatistics:
    """What is kept of the images seen so far.

    Attributes
    ----------
    shape
        Shape (C, H, W) of every image.
    num_images
        How many images were seen.
    key_sum
        Sum of all pixel keys modulo 2**128: a digest of the data without an order.
    distinct
        Which of the keys are different.
    sums
        Exact sums of the quantities of `rows`.
    class_counts
        Images per class.
    sample, class_samples
        The images with the smallest keys, in all and per class, sorted.
    """

    shape: Shape
    num_images: int = 0
    key_sum: int = 0
    distinct: DistinctKeys = field(default_factory=DistinctKeys)
    sums: ExactSum = field(init=False)
    class_counts: Counter[str] = field(default_factory=Counter)
    sample: list[SampledImage] = field(default_factory=list)
    class_samples: dict[str, list[SampledImage]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sums = ExactSum.zeros(sum(self._widths()))

    def _widths(self) -> tuple[int, ...]:
        channels, height, width = self.shape
        num_rings = len(rings(height, width))
        pairs = channels * (channels + 1) // 2
        return (channels, num_rings * pairs, *[num_rings] * 4)

    def observe(self, observations: Sequence[Observation]) -> None:
        """Add images."""
        if not observations:
            return
        self.sums.add(rows([seen.powers for seen in observations]))
        self.num_images += len(observations)
        keys = (int.from_bytes(seen.key) for seen in observations)
        self.key_sum = (self.key_sum + sum(keys)) % KEY_MODULUS
        self.distinct.add(seen.key for seen in observations)
        self.class_counts.update(seen.label for seen in observations)
        images = list(_draw_sample(observations))
        self._sample_all(images)
        self._sample_classes(images)

    def merge(self, other: SpectrumStatistics) -> None:
        """Add the images of other statistics of the same shape."""
        if other.shape != self.shape:
            message = (
                f"images of shapes {self.shape} and {other.shape} cannot be merged"
            )
            raise ValueError(message)
        self.sums.merge(other.sums)
        self.num_images += other.num_images
        self.key_sum = (self.key_sum + other.key_sum) % KEY_MODULUS
        self.distinct.merge(other.distinct)
        self.class_counts.update(other.class_counts)
        self._sample_all(other.sample)
        for sample in other.class_samples.values():
            self._sample_classes(sample)

    def _sample_all(self, images: Iterable[SampledImage]) -> None:
        self.sample = _smallest(SAMPLE_SIZE, [*self.sample, *images])

    def _sample_classes(self, images: Iterable[SampledImage]) -> None:
        for image in images:
            self.class_samples.setdefault(image.label, []).append(image)
        # The share only ever shrinks, so nothing is dropped that could be kept later.
        share = CLASS_SAMPLE_TOTAL // len(self.class_counts)
        kept = max(1, min(SAMPLE_SIZE, share))
        for label, sample in self.class_samples.items():
            self.class_samples[label] = _smallest(kept, sample)

    def totals(self) -> Totals:
        """Return the sums over all images, by name."""
        channels = self.shape[0]
        bounds = np.cumsum(self._widths())[:-1]
        channel_mean, pairs, *rest = np.split(self.sums.totals(), bounds)
        upper = pairs.reshape(-1, channels * (channels + 1) // 2)
        cross_power = np.empty((len(upper), channels, channels))
        for pair, (i, j) in enumerate(channel_pairs(channels)):
            cross_power[:, i, j] = cross_power[:, j, i] = upper[:, pair]
        return Totals(channel_mean, cross_power, *rest)


class Totals(NamedTuple):
    """Sums over the images of what `rows` lists.

    Channel means are (C,), cross-channel power is (K, C, C), the others are (K,) of the
    channel-mean power, the logarithms over the images where it is positive.
    """

    channel_mean: NDArray[np.float64]
    cross_power: NDArray[np.float64]
    power_squared: NDArray[np.float64]
    log_power: NDArray[np.float64]
    log_power_squared: NDArray[np.float64]
    num_positive: NDArray[np.float64]


def rows(seen: Sequence[RingPowers]) -> NDArray[np.float64]:
    """Return the summed quantities of images, a row each, in the order of `Totals`."""
    cross_power = np.stack([powers.cross_power for powers in seen])
    first, second = np.transpose(channel_pairs(cross_power.shape[-1]))
    power = np.stack([powers.power for powers in seen])
    positive = power > 0
    log_power = np.log(np.where(positive, power, 1.0))
    parts = (
        np.stack([powers.channel_mean for powers in seen]),
        cross_power[:, :, first, second].reshape(len(seen), -1),
        power**2,
        log_power,
        log_power**2,
        positive,
    )
    return np.concatenate(parts, axis=1)


def _draw_sample(observations: Iterable[Observation]) -> Iterable[SampledImage]:
    for key, label, powers in observations:
        yield SampledImage(key, label, powers.power, powers.channel_mean)


def _smallest(size: int, images: list[SampledImage]) -> list[SampledImage]:
    # Equal keys mean equal pixels, so the order beyond (key, label) is idle.
    return heapq.nsmallest(size, images, key=lambda image: image[:2])
