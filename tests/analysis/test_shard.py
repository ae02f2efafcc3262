"""Shards of a source, the files they are written to, and their sum."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_sched.analysis.chunk import (
    AnalysisSettings,
    Chunk,
    Shaped,
    Task,
    analyse_chunk,
)
from spectral_sched.analysis.manifest import Manifest, fingerprint, item_hash
from spectral_sched.analysis.merge import merge_partials
from spectral_sched.analysis.partial_file import Partial, partial_document, read_partial
from spectral_sched.analysis.shard import Shard, output_path, parse_shard, shard_items
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.strict_json import canonical
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Item, items
from spectral_sched.spectra.exact_sum import LIMB_BITS, LOWEST, NUM_LIMBS
from spectral_sched.spectra.rings import channel_pairs, rings
from spectral_sched.spectra.statistics import SampledImage, SpectrumStatistics
from tests.support.data_sets import SETTINGS, analysed, payload, sums_digest
from tests.support.helpers import write_pictures

Shards = list[Path]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    folder = tmp_path_factory.mktemp("pictures")
    for label in "abc":
        write_pictures(folder / label, 15, seed=ord(label))
    (folder / "a" / "bad.png").write_bytes(b"bad")
    return list(items(folder))


def gathered(
    found: Iterable[Item], shard: Shard, settings: AnalysisSettings = SETTINGS
) -> Partial:
    source = Manifest()
    mine = list(shard_items(found, shard, source))
    chunk = analyse_chunk(settings, Task(mine, 0))
    return Partial(chunk, settings, shard, source, complete=True)


def written(partial: Partial, path: Path) -> Path:
    write_document(partial_document(partial, provenance({})), path)
    return path


@pytest.fixture
def shards(found: list[Item], tmp_path: Path) -> Shards:
    return [
        written(gathered(found, Shard(index, 3)), tmp_path / f"{index}.partial.json")
        for index in range(3)
    ]


def test_every_item_is_in_one_shard_and_shards_are_of_a_size() -> None:
    names = [Item(f"{number:05d}.png", "", b"") for number in range(4000)]
    dealt = [list(shard_items(names, Shard(i, 8), Manifest())) for i in range(8)]
    assert Counter(item.name for part in dealt for item in part) == Counter(
        item.name for item in names
    )
    # Of 500 expected, a hash leaves 5 standard deviations of sqrt(500 * 7 / 8).
    assert all(abs(len(part) - 500) < 105 for part in dealt)


def test_the_shard_of_a_name_never_changes() -> None:
    # The first 16 bytes of sha256(b"a.png").
    assert f"{item_hash('a.png'):032x}" == "7f071235805fbf58a2524f77bff76e13"
    assert item_hash("a", 1) == item_hash("a", "1") != item_hash("a1")


@pytest.mark.parametrize("text", ["8", "8/8", "9/8", "-1/8", "1/", "a/b", "0/0", ""])
def test_shards_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"--shard must be one of 0/N to N-1/N"):
        parse_shard(text)


def test_shards_have_names() -> None:
    assert str(output_path(Shard(0, 8))) == "spectrum.0-of-8.partial.json"
    assert str(output_path(None)) == "spectrum.json"


def test_shards_in_any_order_merge_to_the_same_bits(
    found: list[Item], shards: Shards
) -> None:
    expected = analysed(found)
    for seed in range(4):
        random.Random(seed).shuffle(shards)
        merged = merge_partials(shards)
        assert sums_digest(merged.chunk) == sums_digest(expected)
        assert payload(merged.chunk) == payload(expected)
        assert merged.chunk.skipped.reasons == {"not an image": 1}


@settings(max_examples=20)
@given(st.integers(1, 30), st.randoms(use_true_random=False))
def test_random_splits_in_random_orders(
    found: list[Item], count: int, chance: random.Random
) -> None:
    cuts: list[list[Item]] = [[] for _ in range(count)]
    for item in found:
        chance.choice(cuts).append(item)
    whole = Chunk()
    for cut in cuts:
        whole.merge(analyse_chunk(SETTINGS, Task(cut, 0)))
    assert sums_digest(whole) == sums_digest(analyse_chunk(SETTINGS, Task(found, 0)))


def test_whole_sources_can_be_merged(found: list[Item], tmp_path: Path) -> None:
    parts = [found[:20], found[20:]]
    paths = [
        written(gathered(part, Shard(0, 1)), tmp_path / f"{number}.json")
        for number, part in enumerate(parts)
    ]
    assert sums_digest(merge_partials(paths).chunk) == sums_digest(analysed(found))


def test_missing_shards_are_named(shards: Shards) -> None:
    with pytest.raises(InputError, match=r"shards 0/3, 2/3 are missing; add them"):
        merge_partials(shards[1:2])
    assert merge_partials(shards[1:2], allow_missing=True).chunk.num_images > 0


def test_many_missing_shards_are_counted(found: list[Item], tmp_path: Path) -> None:
    path = written(gathered(found, Shard(1, 9)), tmp_path / "1.json")
    with pytest.raises(InputError, match=r"0/9, 2/9, 3/9 and 5 more"):
        merge_partials([path])


def test_shards_of_a_source_that_changed_are_refused(
    found: list[Item], shards: Shards
) -> None:
    written(gathered(found[1:], Shard(0, 3)), shards[0])
    with pytest.raises(InputError, match="the source changed between its shards"):
        merge_partials(shards)


def test_a_shard_is_merged_once(shards: Shards) -> None:
    with pytest.raises(InputError, match=r"are both shard 1/3 of one source"):
        merge_partials([*shards, shards[1]])


def test_a_source_is_dealt_once(found: list[Item], shards: Shards) -> None:
    written(gathered(found, Shard(0, 2)), shards[0])
    with pytest.raises(InputError, match=r"is one of 2 shards and .* one of 3"):
        merge_partials(shards)


@pytest.mark.parametrize(
    "other",
    [
        AnalysisSettings(make_preprocessing(), "float64"),
        AnalysisSettings(make_preprocessing(8), "float32"),
    ],
)
def test_settings_are_not_mixed(
    found: list[Item], shards: Shards, other: AnalysisSettings
) -> None:
    written(gathered(found, Shard(0, 3), other), shards[0])
    with pytest.raises(InputError, match=r"0\.partial\.json and .*different settings"):
        merge_partials(shards)


def test_shapes_are_not_mixed(shards: Shards, tmp_path: Path) -> None:
    write_pictures(tmp_path / "odd", 1, shape=(8, 9))
    odd = gathered(items(tmp_path / "odd"), Shard(0, 1))
    path = written(odd, tmp_path / "odd.json")
    with pytest.raises(InputError, match=r"is 16x16 and 0000.png is 9x8"):
        merge_partials([*shards, path])


def test_unfinished_shards_are_refused(found: list[Item], shards: Shards) -> None:
    unfinished = replace(gathered(found, Shard(0, 3)), complete=False)
    written(unfinished, shards[0])
    with pytest.raises(InputError, match=r"is unfinished; .* with --resume"):
        merge_partials(shards)


def test_empty_shards_are_merged_too(found: list[Item], tmp_path: Path) -> None:
    paths = [
        written(gathered(found[:2], Shard(index, 9)), tmp_path / f"{index}.json")
        for index in range(9)
    ]
    assert merge_partials(paths).chunk.num_images == 2


def statistics_like(shape: tuple[int, int, int], seed: int) -> SpectrumStatistics:
    """Return statistics with awkward numbers that five images might give."""
    rng = np.random.default_rng(seed)
    statistics = SpectrumStatistics(shape)
    size, num_rings = statistics.sums.limbs.shape[1], len(rings(*shape[1:]))
    statistics.sums.limbs[:] = rng.integers(0, 2**32, (NUM_LIMBS, size))
    statistics.sums.limbs[-1] = rng.integers(0, 2**50, size)
    # Channels that know nothing of one another, with a mean of 0.
    channels, pairs = shape[0], channel_pairs(shape[0])
    mixed = [i != j for i, j in pairs] * num_rings
    statistics.sums.limbs[:, :channels] = 0
    statistics.sums.limbs[:, channels : channels + len(mixed)][:, mixed] = 0
    # How many images have power in a ring, which is a whole number.
    statistics.sums.limbs[:, -num_rings:] = 0
    statistics.sums.limbs[-LOWEST // LIMB_BITS, -num_rings:] = rng.integers(6)
    statistics.num_images = 5
    statistics.key_sum = int.from_bytes(rng.bytes(16))
    add_sample(statistics, rng)
    return statistics


def add_sample(statistics: SpectrumStatistics, rng: np.random.Generator) -> None:
    channels, height, width = statistics.shape
    values = [5e-324, -0.0, 0.1, 1e30, 2 / 3]
    for number in range(5):
        power = rng.choice(values, len(rings(height, width)))
        mean = rng.normal(size=channels)
        label = "käse\n" if number % 2 else ""
        image = SampledImage(bytes([number] * 16), label, power, mean)
        statistics.class_counts[label] += 1
        statistics.sample.append(image)
        statistics.class_samples.setdefault(label, []).append(image)
    statistics.sample.append(statistics.sample[-1])


@given(st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 99))
def test_partials_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], seed: int
) -> None:
    statistics = statistics_like(shape, seed)
    chunk = Chunk(
        statistics, Shaped("a.png", shape), num_subsampled=3, num_pages_left=2
    )
    chunk.skipped.reasons["damaged"] = 2
    chunk.noted.update(masked=2, masked_share=5, unchecked=1)
    chunk.skipped.messages = ["b.png is damaged", "c"]
    chunk.manifest = Manifest(7, 2**127 + seed)
    partial = Partial(chunk, SETTINGS, Shard(1, 4), Manifest(9, 2**120), complete=True)
    path = written(partial, tmp_path_factory.mktemp("partial") / "p.json")
    back = read_partial(path)
    assert back.chunk.statistics
    assert back.chunk.noted == chunk.noted
    np.testing.assert_array_equal(
        back.chunk.statistics.sums.limbs, statistics.sums.limbs
    )
    for mine, theirs in zip(
        statistics.sample, back.chunk.statistics.sample, strict=True
    ):
        assert mine[:2] == theirs[:2]
        assert mine.power.tobytes() == theirs.power.tobytes()
        assert mine.channel_mean.tobytes() == theirs.channel_mean.tobytes()
    assert canonical(partial_document(back, {})) == canonical(
        partial_document(partial, {})
    )


def test_damaged_partials_are_refused(shards: Shards) -> None:
    text = shards[0].read_text()
    shards[0].write_text(text.replace('"num_subsampled": 0', '"num_subsampled": 1'))
    with pytest.raises(InputError, match="was changed after it was written"):
        read_partial(shards[0])
    shards[0].write_text(text[:1000])
    with pytest.raises(InputError, match="damaged or not JSON"):
        read_partial(shards[0])
    shards[0].write_text(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(InputError, match="has version 2 of its format"):
        read_partial(shards[0])


def test_fingerprints_change_with_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert fingerprint(path) == ()
    path.write_bytes(b"one")
    assert fingerprint(path)[0] == 3
    assert fingerprint(b"one") != fingerprint(b"two")
    assert fingerprint(np.zeros((2, 2))) != fingerprint(np.ones((2, 2)))
