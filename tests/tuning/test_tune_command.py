"""`harmonic tune` as a command that searches, and as the name of what shows searches."""

from __future__ import annotations

from pathlib import Path

from programs import Programs

from harmonic_core.run.studies import read_study


def test_the_help_tells_of_the_search_and_of_its_verbs(harmonic: Programs) -> None:
    text = harmonic.run("tune", "--help").stdout
    for expected in (
        "tune [OPTIONS]",
        "PROFILE",
        "--strategy",
        "--objective",
        "--workers",
        "--storage",
    ):
        assert expected in text
    assert "Commands:" in text
    assert "  best  " in text
    assert "  show  " in text
    assert "  measure  " not in text
    assert "worker-of" not in text
    # Without anything to do it explains itself.
    assert harmonic.run("tune", expect=2).stderr.strip() == text.strip()


def test_options_may_come_before_the_profile_and_a_verb_is_known_by_its_place(stubbed: Programs, studies: Path) -> None:
    (stubbed.place / "best.toml").write_text('extends = "demo"\n')
    stubbed.run("tune", "--trials", "1", "./best.toml")
    study = read_study(studies / "best")
    assert study is not None
    assert len(study.trials) == 1
    assert "tune best [OPTIONS]" in stubbed.run("tune", "best", "--help").stdout


def test_the_manuals_command_searches_with_gtzan(stubbed: Programs) -> None:
    stubbed.run("tune", "gtzan", "--trials", "2", "--output-dir", "output/tuning")
    study = read_study(stubbed.place / "output" / "tuning" / "gtzan")
    assert study is not None
    assert (study.name, study.state, len(study.trials)) == ("gtzan", "finished", 2)
    assert list(study.space) == ["model.latent_dim", "loss.beta_end", "model.hidden_dims", "train.learning_rate"]
