"""Random numbers by key and position: the same in any batch, order and on any device.

The bits are those of Philox4x64 with ten rounds (Salmon et al., SC 2011), as
`numpy.random.Philox` has them. A number depends on its seed, its purpose, its step, its
row and its position, and on nothing drawn before. On the host numpy makes the bits;
on CUDA they are made there, for all rows at once.

Normal numbers are those of Box and Muller (1958). Logarithm, sine and cosine are series
of sums and products in float64, which IEEE 754 rounds alike everywhere, for those of
mathematical libraries differ in their last bits from device to device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch

from .devices import to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

HOST = torch.device("cpu")

NUM_ROUNDS, WORDS_PER_BLOCK = 10, 4
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
"""Rounds, words of a block, and constants of Philox4x64 (Salmon et al., Table 2)."""

LOW = (1 << 32) - 1
"""The lower half of a word."""

HOST_WORDS = 1 << 14
"""Words that the host turns into normal numbers at a time, so that all stays in its
cache: 27 ms for 800,000 numbers, and 35 ms in one go."""


class Purpose(IntEnum):
    """What numbers are drawn for: the same seed gives each purpose others."""

    SAMPLING = 0
    TRAINING_NOISE = 1
    PICTURES = 2
    LEVELS = 3
    ORDER = 4
    UNTOLD = 5
    DEGRADATION = 6


@dataclass(frozen=True, eq=False)
class Draw:
    """Rows of random numbers; each row depends on its own seed and place alone.

    Attributes
    ----------
    purpose, step
        What the numbers are for, and which draw of these it is, from 0.
    seeds, rows
        Seed and number of each row, (R,), from 0 and below 2**63.
    """

    purpose: Purpose
    step: int
    seeds: NDArray[np.int64]
    rows: NDArray[np.int64]

    @staticmethod
    def of_seeds(purpose: Purpose, step: int, seeds: Sequence[int]) -> Draw:
        """Return the draw of one row per seed."""
        known = np.asarray(seeds, dtype=np.int64)
        return Draw(purpose, step, known, np.zeros_like(known))

    @staticmethod
    def of_rows(
        purpose: Purpose, step: int, seed: int, rows: NDArray[np.int64]
    ) -> Draw:
        """Return the draw of some rows of one seed."""
        return Draw(purpose, step, np.full_like(rows, seed), rows)

    def words(self, count: int, device: torch.device = HOST) -> Tensor:
        """Return the first 64-bit words of each row as int64, (R, count)."""
        if device.type == "cuda":
            return device_words(self, count, device)
        return host_words(self, count).to(device)

    def uniforms(self, count: int, device: torch.device = HOST) -> Tensor:
        """Return numbers inside (0, 1), (R, count) in float64, from 52 bits each."""
        bits = _shifted(self.words(count, device), 12)
        return (bits.double() + 0.5) * 2.0**-52

    def normals(self, shape: tuple[int, ...], device: torch.device = HOST) -> Tensor:
        """Return normal numbers, (R, *shape) in float32."""
        count = math.prod(shape)
        if device.type == "cuda":
            found = normals_of(self.words((count + 1) // 2, device))
        else:
            words = host_words(self, (count + 1) // 2)
            parts = [
                normals_of(part) for part in torch.split(words.flatten(), HOST_WORDS)
            ]
            found = torch.cat(parts).reshape(len(words), -1).to(device)
        return found[:, :count].reshape(-1, *shape)


def host_words(draw: Draw, count: int) -> Tensor:
    """Return the first words of each row, (R, count), as numpy makes them."""
    found = np.empty((len(draw.seeds), count), dtype=np.uint64)
    pairs = zip(draw.seeds.tolist(), draw.rows.tolist(), strict=True)
    for place, (seed, row) in enumerate(pairs):
        key, counter = [seed, draw.purpose], [0, draw.step, row, 0]
        bits = np.random.Philox(counter=counter, key=key)
        found[place] = bits.random_raw(count)
    return torch.from_numpy(found.view(np.int64))


def device_words(draw: Draw, count: int, device: torch.device) -> Tensor:
    """Return the words of `host_words`, (R, count), made on a device for all rows."""
    purposes = np.full_like(draw.seeds, draw.purpose)
    told = to_device(
        torch.from_numpy(np.stack([draw.seeds, purposes, draw.rows])), device
    )
    num_blocks = -(-count // WORDS_PER_BLOCK)
    # numpy counts a block before it makes it, so the first has the number 1.
    blocks = torch.arange(1, num_blocks + 1, device=device).expand(len(draw.seeds), -1)
    rest = torch.zeros_like(blocks)
    evens = torch.stack([blocks, rest + told[2, :, None]])
    odds = torch.stack([rest + draw.step, rest])
    words = _rounds(evens, odds, told[:2, :, None])
    return words.permute(1, 2, 0).flatten(1)[:, :count]


def _rounds(evens: Tensor, odds: Tensor, key: Tensor) -> Tensor:
    """Return the four words of blocks, (4, R, N), from their counters and keys.

    Both products of a round are taken at once, for on a device it counts how often it
    is asked.

    Parameters
    ----------
    evens, odds
        First and third word of each counter, and second and fourth, (2, R, N).
    key
        Both words of each key, (2, R, 1).
    """
    factors, steps = (
        to_device(torch.tensor([*map(_signed, pair)])[:, None, None], key.device)
        for pair in (MULTIPLIERS, KEY_STEPS)
    )
    halves = factors & LOW, _shifted(factors, 32)
    for _ in range(NUM_ROUNDS):
        high, low = _upper(evens, *halves), evens * factors
        evens, odds = high.flip(0) ^ odds ^ key, low.flip(0)
        key = key + steps
    return torch.stack([evens, odds], dim=1).flatten(0, 1)


def _upper(word: Tensor, factor_low: Tensor, factor_high: Tensor) -> Tensor:
    """Return the upper words of products of 64-bit words, by halves of one of them.

    Torch multiplies int64 modulo 2**64, and no product of halves overflows that.
    """
    low, high = word & LOW, _shifted(word, 32)
    across = high * factor_low + _shifted(low * factor_low, 32)
    other = low * factor_high + (across & LOW)
    return high * factor_high + _shifted(across, 32) + _shifted(other, 32)


def _shifted(words: Tensor, bits: int) -> Tensor:
    """Return words without their lowest bits, as if they had no sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    """Return the int64 of the same bits."""
    return word - (1 << 64) if word >> 63 else word


LOG_SERIES = tuple(1 / (2 * k + 1) for k in range(8))
SINE_SERIES = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(6))
COSINE_SERIES = tuple((-1) ** k / math.factorial(2 * k) for k in range(7))
"""Of atanh, sine and cosine. What is left out is 2e-14 of ln u at most, and 7e-12 of
sine and cosine: far less than the steps of u, 2**-32, and of the angle, 1.5e-9."""

MANTISSA_BITS, EXPONENT_OF_ONE = 52, 1023
"""Of float64."""


def normals_of(words: Tensor) -> Tensor:
    """Return two normal numbers for each word, (..., 2 N) in float32.

    The lower half of a word gives the length of a pair, the upper half its direction:
    two bits for the signs, the others for the angle from the diagonal.
    """
    length = _minus_log(words & LOW).sqrt_()
    direction = _shifted(words, 32)
    angle = (direction & ((1 << 30) - 1)).double()
    angle += 0.5 - (1 << 29)
    angle *= math.pi / 2 / (1 << 30)
    square = angle * angle
    sine = _sum_of(SINE_SERIES, square).mul_(angle)
    cosine = _sum_of(COSINE_SERIES, square)
    found = torch.empty((*words.shape, 2), device=words.device)
    # Half a turn by 45 degrees: length * sqrt(2) * cos(angle + 45 degrees), and sin.
    found[..., 0] = (cosine - sine).mul_(_with_sign(length, direction >> 30 & 1))
    found[..., 1] = (cosine + sine).mul_(_with_sign(length, direction >> 31))
    return found.flatten(-2)


def _minus_log(half: Tensor) -> Tensor:
    """Return ``-ln((half + 1/2) / 2**32)`` of numbers below 2**32, in float64.

    The logarithm of a mantissa m is ``ln sqrt(2) + 2 atanh((m - sqrt(2)) / (m +
    sqrt(2)))``.
    """
    bits = half.double().add_(0.5).view(torch.int64)
    exponent = bits >> MANTISSA_BITS
    mantissa = bits & ((1 << MANTISSA_BITS) - 1) | (EXPONENT_OF_ONE << MANTISSA_BITS)
    value = mantissa.view(torch.float64)
    ratio = (value - math.sqrt(2)).div_(value + math.sqrt(2))
    series = _sum_of(LOG_SERIES, ratio * ratio).mul_(ratio).mul_(-2.0)
    whole = (EXPONENT_OF_ONE + 31.5 - exponent.double()).mul_(math.log(2))
    return series.add_(whole)


def _sum_of(series: tuple[float, ...], x: Tensor) -> Tensor:
    """Return the sum of ``series[k] * x**k``, each step rounded for itself."""
    *lower, highest = series
    total = x * highest
    for factor in lower[:0:-1]:
        total.add_(factor).mul_(x)
    return total.add_(lower[0])


def _with_sign(length: Tensor, bit: Tensor) -> Tensor:
    return bit.double().mul_(2.0).sub_(1.0).mul_(length)
