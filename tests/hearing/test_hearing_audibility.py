"""Which mel errors would be heard."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from harmonic_core.hearing.audibility import FLOOR, Audibility
from harmonic_core.hearing.scales import mel_band_centres

CENTRES = mel_band_centres(128, 20.0, 11025.0)


def band_at(hz: float) -> int:
    return int((CENTRES - hz).abs().argmin())


def power(*tones: tuple[float, float], base_db: float = -90.0) -> Tensor:
    """Band powers of tones of Hz and dB below full scale over a faint floor: (1, 128, 4)."""
    level = torch.full((1, 128, 4), base_db)
    for hz, db in tones:
        level[:, band_at(hz)] = db
    return torch.pow(10.0, level / 10.0)


def test_the_mean_weight_is_one_and_none_is_below_the_floor() -> None:
    weight = Audibility(CENTRES)(torch.rand((3, 128, 9), generator=torch.Generator().manual_seed(1)).pow(8))
    torch.testing.assert_close(weight.mean(dim=(1, 2)), torch.ones(3))
    assert weight.min() >= FLOOR


def test_what_is_masked_counts_less_than_the_same_level_alone() -> None:
    audibility = Audibility(CENTRES)
    beside, alone = power((1000.0, -10.0), (1150.0, -60.0)), power((6000.0, -10.0), (1150.0, -60.0))
    place = band_at(1150.0)
    assert audibility(beside)[0, place].mean() < 0.5 * audibility(alone)[0, place].mean()


def test_what_is_loud_counts_more_than_what_is_faint() -> None:
    weight = Audibility(CENTRES)(power((500.0, -10.0), (4000.0, -70.0)))[0].mean(dim=1)
    assert weight[band_at(500.0)] > weight[band_at(4000.0)] > weight[band_at(9000.0)]


@pytest.mark.parametrize("level", [0.0, 1.0, 1e6])
def test_silence_and_full_scale_give_numbers(level: float) -> None:
    weight = Audibility(CENTRES)(torch.full((2, 128, 3), level))
    assert weight.isfinite().all()
    torch.testing.assert_close(weight.mean(dim=(1, 2)), torch.ones(2))
