"""What trials are judged by."""

from __future__ import annotations

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.tuning.objective import read_goal

MEASURED = {"recon_db": 6.0, "mel_fd": 4000.0, "kl_nats": 100.0}


@pytest.mark.parametrize(
    ("asked", "said", "values", "first"),
    [
        ("pareto", "pareto", [6.0, 4000.0], "recon_db"),
        ("recon_db", "recon_db", [6.0], "recon_db"),
        ("mel-fd", "mel_fd", [4000.0], "mel_fd"),
        ("recon_db + 0.001*mel_fd", "recon_db + 0.001*mel_fd", [10.0], "recon_db"),
        ("1e-3 * mel_fd+2*recon_db", "0.001*mel_fd + 2*recon_db", [16.0], "recon_db"),
        ("1e+1*recon_db + mel_fd", "10*recon_db + mel_fd", [4060.0], "recon_db"),
        ("5*recon_db", "recon_db", [6.0], "recon_db"),
        ("recon_db + 0.00123456789*mel_fd", "recon_db + 0.00123456789*mel_fd", [10.93827156], "recon_db"),
    ],
)
def test_both_figures_one_of_them_or_a_weighted_sum(asked: str, said: str, values: list[float], first: str) -> None:
    goal = read_goal(asked)
    assert str(goal) == said
    assert goal.values(MEASURED) == pytest.approx(values)
    assert goal.parts == len(values)
    assert goal.figures[0].name == first
    assert len(goal.figures) == 2
    assert read_goal(said) == goal


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("", "is none of recon_db, mel_fd"),
        ("val_loss", "losses of different betas do not compare"),
        ("recon_db + kl", '"kl" is none of'),
        ("recon_db - mel_fd", "is none of"),
        ("0*recon_db + mel_fd", "the weight of recon_db has to be above 0"),
        ("1e999*recon_db + mel_fd", "the weight of recon_db has to be above 0"),
        ("1.2.3*recon_db", "has no number as its weight"),
        ("recon_db + recon_db", "stands there twice"),
        ("\x1b[31m", "is none of"),
    ],
)
def test_anything_else_is_refused_with_what_there_is(asked: str, words: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        read_goal(asked)
    assert words in str(refusal.value)
    assert "give pareto, recon_db, mel_fd, or a sum" in str(refusal.value)
    assert str(refusal.value).isprintable()
