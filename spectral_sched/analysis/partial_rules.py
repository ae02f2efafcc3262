"""What a partial file must say: rules of its fields, and how they hang together."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from spectral_sched.documents.rules import (
    each,
    flag,
    members,
    named,
    nullable,
    numbers,
    text,
    whole,
)
from spectral_sched.images.noted import NOTED
from spectral_sched.images.preprocessing import PREPROCESSING
from spectral_sched.spectra.distinct import KEY
from spectral_sched.spectra.exact_sum import LIMB_BITS, NUM_LIMBS
from spectral_sched.spectra.field_rules import MAX_POWER, check_cross_power, shape
from spectral_sched.spectra.periodogram import Precision
from spectral_sched.spectra.spectrum import mean_field
from spectral_sched.words import number_of

from .origin import ORIGIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place, Rule
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.spectra.statistics import SpectrumStatistics

DOUBLE = np.dtype("<f8")

hexadecimal = text(pattern="[0-9a-f]{32}")
"""The rule for 128 bits."""

MANIFEST = members({"count": whole(), "digest": hexadecimal})


def unpacked(content: str, *lengths: int) -> NDArray[np.float64]:
    """Return the numbers of the base64 of little-endian doubles, in a shape.

    Raises
    ------
    ValueError
        If it is none, or of other numbers.
    """
    packed = base64.b64decode(content, validate=True)
    return np.frombuffer(packed, DOUBLE).reshape(lengths).astype(np.float64)


def doubles(length: str, least: float) -> Rule:
    """Return the rule for packed numbers of each image of the samples.

    Parameters
    ----------
    length
        Name of how many there are of each.
    least
        Of each number.
    """

    def check(value: object, place: Place) -> None:
        text()(value, place)
        sizes = (place.sizes["M"], place.sizes[length])
        try:
            found = unpacked(str(value), *sizes)
        except (ValueError, binascii.Error) as error:
            raise place.wrong("is not the base64 of doubles") from error
        if not np.all((found >= least) & (found <= MAX_POWER)):
            raise place.wrong("holds numbers that none can be")

    return check


def limbs(value: Any, place: Place) -> None:
    """Hold a value to the sums of an analysis of images of the shape before it."""
    channels, num_rings = place.sizes["C"], place.sizes["K"]
    sums = channels + num_rings * (channels * (channels + 1) // 2 + 4)
    top = float(2**53)
    numbers(NUM_LIMBS, sums, least=-top, most=top, whole=True)(value, place)
    lower = np.array(value, np.int64)[:-1]
    if np.any((lower < 0) | (lower >> LIMB_BITS)):
        raise place.wrong("holds a sum with other digits than its own")


def distinct_keys(value: object, place: Place) -> None:
    """Hold a value to the base64 of rising keys, of as many images at most."""
    text()(value, place)
    try:
        found = np.frombuffer(base64.b64decode(str(value), validate=True), KEY)
    except (ValueError, binascii.Error) as error:
        raise place.wrong("is not the base64 of keys") from error
    if np.any(found[1:] <= found[:-1]):
        raise place.wrong("holds keys that do not rise")


# An image that is in the source twice is in a sample twice.
positions = numbers(None, least=0, whole=True, order="not falling")

STATISTICS = members(
    {
        "shape": shape,
        "num_images": whole(1),
        "key_sum": hexadecimal,
        "class_counts": named(whole(1)),
        "limbs": limbs,
        "images": members(
            {
                "key": each(hexadecimal, 1, size="M"),
                "label": each(text(), 1, size="M"),
                "power": doubles("K", 0),
                "channel_mean": doubles("C", -MAX_POWER),
            }
        ),
        "sample": positions,
        "class_samples": named(positions),
    },
    optional={"distinct": distinct_keys},
)

RULE = members(
    {
        "complete": flag,
        "shard": members({"index": whole(), "count": whole(1)}),
        "source": MANIFEST,
        "items": MANIFEST,
        "preprocessing": PREPROCESSING,
        "precision": text(*get_args(Precision)),
        "num_skipped": whole(),
        "skipped_by_reason": named(whole(1)),
        "skipped": each(text()),
        "num_subsampled": whole(),
        "first": nullable(text()),
        "statistics": nullable(STATISTICS),
    },
    optional={
        "num_pages_left": whole(),
        "num_unchecked": whole(),
        "noted": members({}, dict.fromkeys(NOTED, whole(1))),
        "origin": members({}, ORIGIN),
    },
)
"""The rule of the whole document."""


def agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a partial says two things that do not agree."""
    shard, skipped = document["shard"], document["num_skipped"]
    if shard["index"] >= shard["count"]:
        raise place.at("shard").wrong("is beyond the last one")
    if sum(document["skipped_by_reason"].values()) != skipped:
        raise place.at("num_skipped").wrong("is not the sum of the reasons")
    if len(document["skipped"]) > skipped:
        raise place.at("skipped").wrong("names more images than were skipped")
    statistics = document["statistics"]
    if (document["first"] is None) != (statistics is None):
        raise place.at("first").wrong("is there without 'statistics', or they alone")
    seen = skipped + (statistics["num_images"] if statistics else 0)
    if document["items"]["count"] != seen:
        raise place.at("items.count").wrong("is not the images and what was skipped")
    if statistics:
        _statistics_agree(statistics, place.at("statistics"))


def _statistics_agree(statistics: Document, place: Place) -> None:
    images, sample = statistics["images"], statistics["sample"]
    labels, classes = images["label"], statistics["class_samples"]
    if sum(statistics["class_counts"].values()) != statistics["num_images"]:
        raise place.at("class_counts").wrong("do not add up to 'num_images'")
    if set(classes) != set(statistics["class_counts"]):
        raise place.at("class_samples").wrong("are not of the classes that are counted")
    if max(sample) >= len(labels):
        raise place.at("sample").wrong("names an image that is not there")
    for label, positions in classes.items():
        inner = place.at(f"class_samples.{label}")
        if max(positions) >= len(labels):
            raise inner.wrong("names an image that is not there")
        if any(labels[position] != label for position in positions):
            raise inner.wrong("names an image of another class")
    names = list(zip(images["key"], labels, strict=True))
    if names != sorted(set(names)):
        raise place.at("images.key").wrong("is not in order")


def check_sums(statistics: SpectrumStatistics, place: Place) -> None:
    """Raise `InputError` unless sums are those of so many images of any pixels."""
    totals, count = statistics.totals(), statistics.num_images
    diagonal = np.diagonal(totals.cross_power, axis1=1, axis2=2)
    squares = (diagonal, totals.power_squared, totals.log_power_squared)
    counted = totals.num_positive
    if any(np.any(square < 0) for square in squares) or np.any(
        (counted < 0) | (counted > count) | (counted != np.rint(counted))
    ):
        raise place.wrong(f"holds sums that {number_of(count, 'image')} cannot have")
    check_cross_power(mean_field(statistics.shape, totals, count), place)
