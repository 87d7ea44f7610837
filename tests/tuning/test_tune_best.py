"""`harmonic tune best`: the trial to train in full, why, and a profile of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import Programs
from written_studies import OBJECTIVES, TRADED, a_study, said, trial, write

from harmonic_core.errors import DiskError, HarmonicError, ProfileError, RunError
from harmonic_core.profile.resolve import resolve
from harmonic_core.run.studies import study_file
from harmonic_core.tuning.best import front_of, knee

MINE = Path("profiles/mine.toml")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: empty, and no profiles elsewhere but the packaged ones."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_the_front_is_what_no_trial_betters_and_its_knee_is_recommended() -> None:
    write(a_study())
    lines = said("best", "wide").splitlines()
    marked = [line.split()[:2] for line in lines if line[:1] in {"◆", "◇"}]
    assert marked == [["◇", "1"], ["◆", "2"], ["◇", "0"]]
    assert any("Trial 2: the knee of the Pareto front" in line for line in lines)
    assert lines[-1] == (
        "harmonic train demo --set data.demo_minutes=0.5 --set model.latent_dim=256 --set train.learning_rate=0.00045"
    )


@pytest.mark.parametrize(
    ("pairs", "front", "chosen"),
    [
        ([(5.0, 100.0)], [0], 0),
        ([(5.0, 100.0), (5.0, 100.0)], [0, 1], 0),
        ([(5.0, 100.0), (4.0, 90.0)], [1], 1),
        ([(5.0, 90.0), (4.0, 100.0)], [1, 0], 1),
        (list(TRADED), [1, 2, 0], 2),
        # A hundredth of a dB is not worth what lies between all trials in the other objective.
        ([(4.40, 4000.0), (4.41, 3000.0), (5.8, 4500.0), (5.0, 4200.0)], [0, 1], 1),
        ([(5.0, 100.0), (4.0, float("nan"))], [0], 0),
    ],
)
def test_front_and_knee_of(pairs: list[tuple[float, float]], front: list[int], chosen: int) -> None:
    study = a_study([trial(number, values=pair) for number, pair in enumerate(pairs)])
    found = front_of(study)
    assert [each.number for each in found] == front
    best = knee(study)
    assert best is not None
    assert best.number == chosen


def test_a_maximised_objective_is_better_when_it_is_larger() -> None:
    objectives = (OBJECTIVES[0], OBJECTIVES[1].model_copy(update={"direction": "maximize"}))
    study = a_study([trial(0, values=(5.0, 1.0)), trial(1, values=(5.0, 2.0))], objectives=objectives)
    assert [each.number for each in front_of(study)] == [1]


def test_what_the_study_itself_calls_its_best_is_recommended() -> None:
    write(a_study(best=1, objective_asked="recon_db", best_command="harmonic train demo --set model.latent_dim=128"))
    told = said("best", "wide")
    assert "Trial 1: the lowest held-out mel error of 4 completed." in told
    assert told.splitlines()[-1] == "harmonic train demo --set model.latent_dim=128"


def test_another_trial_can_be_taken() -> None:
    write(a_study())
    told = said("best", "wide", "--trial", "3")
    assert "Trial 3: not the recommended one, which is trial 2." in told
    assert told.splitlines()[-1].endswith("--set model.latent_dim=64 --set train.learning_rate=0.0006")


def test_the_saved_profile_has_the_values_chosen_and_what_the_study_held_fixed_and_is_found_by_its_name() -> None:
    write(a_study())
    told = said("best", "wide", "--save", str(MINE))
    assert told.splitlines()[-1] == "harmonic train mine"
    profile = resolve("mine").profile
    assert (profile.model.latent_dim, profile.train.learning_rate) == (256, 1.5e-4 * 3)
    assert profile.data.demo_minutes == 0.5
    before = resolve("demo").profile
    assert profile.train.epochs == before.train.epochs
    assert profile.audio == before.audio


def test_the_saved_profile_keeps_the_comments_of_the_studys_own_and_says_where_its_values_come_from() -> None:
    Path("own.toml").write_text('extends = "demo"\n\n[model]\n# mind the size\nlatent_dim = 32  # so far\n')
    params = {"model.latent_dim": 128, "model.hidden_dims": "[64, 96, 128, 192]", "loss.beta_end": 0.01}
    write(a_study([trial(0, values=(5.0, 400.0), params=params)], profile="./own.toml", again_command=""))
    said("best", "wide", "--save", str(MINE))
    text = MINE.read_text()
    assert text.startswith("# Trial 0 of study wide: held-out mel error 5 dB, mel-FD of prior samples 400 dB²")
    assert "# mind the size\nlatent_dim = 128  # so far\n" in text
    profile = resolve("mine").profile
    assert profile.hidden_dims == (64, 96, 128, 192)
    assert profile.loss.beta_end == 0.01


def test_a_profile_outside_the_folder_of_profiles_is_trained_by_its_path() -> None:
    write(a_study())
    assert said("best", "wide", "--save", "new folder/mine").splitlines()[-1] == "harmonic train 'new folder/mine.toml'"
    assert resolve("new folder/mine.toml").profile.model.latent_dim == 256


def test_nothing_is_replaced_without_force() -> None:
    write(a_study())
    MINE.parent.mkdir()
    MINE.write_text("# my own\n")
    with pytest.raises(ProfileError, match=r"mine\.toml is there already; --force replaces it.*profiles/mine-2\.toml"):
        said("best", "wide", "--save", str(MINE))
    assert MINE.read_text() == "# my own\n"
    said("best", "wide", "--save", str(MINE), "--force")
    assert resolve("mine").profile.model.latent_dim == 256


def test_values_that_are_no_longer_valid_are_refused_and_nothing_is_written() -> None:
    write(a_study([trial(0, values=(5.0, 400.0), params={"model.latent_dim": -3})]))
    with pytest.raises(ProfileError, match=r"(?s)trial 0 in .*model\.latent_dim"):
        said("best", "wide", "--save", str(MINE))
    assert not MINE.exists()


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("profiles/", ProfileError, "profiles is a folder; give a file"),
        ("profiles/-.toml", ProfileError, "cannot be a profile's name"),
        ("file/mine.toml", DiskError, "file is not a folder|cannot be written"),
    ],
)
def test_where_no_profile_can_be_written(path: str, kind: type[HarmonicError], words: str) -> None:
    write(a_study())
    Path("profiles").mkdir()
    Path("file").write_text("")
    with pytest.raises(kind, match=words):
        said("best", "wide", "--save", path)


def test_json_has_the_trial_the_front_the_command_and_what_was_saved() -> None:
    write(a_study())
    document = json.loads(said("best", "wide", "--json", "--save", str(MINE)))
    assert document["trial"]["number"] == document["recommended"] == 2
    assert [each["number"] for each in document["front"]] == [1, 2, 0]
    assert document["settings"] == {
        "data.demo_minutes": "0.5",
        "model.latent_dim": "256",
        "train.learning_rate": "0.00045",
    }
    assert (document["command"], document["saved"]) == ("harmonic train mine", str(MINE))
    assert document["why"].startswith("the knee")


def test_a_study_is_found_by_its_directory_too(tmp_path: Path) -> None:
    directory = write(a_study(), tmp_path / "elsewhere")
    assert "Trial 2" in said("best", str(directory))
    assert "Trial 2" in said("best", "wide", "--output-dir", str(directory.parent))


def test_one_objective_alone_has_a_best_trial(place: Path) -> None:
    alone = [trial(0, values=(6.0,)), trial(1, values=(5.0,)), trial(2, "pruned", values=(4.0,))]
    write(a_study(alone, objectives=OBJECTIVES[:1], objective_asked=""))
    assert "Trial 1: the lowest held-out mel error of 2 completed." in said("best", "wide")


def test_without_a_completed_trial_there_is_no_best_one() -> None:
    write(a_study([trial(0, "running"), trial(1, "failed", reason="out of memory")], state="searching"))
    with pytest.raises(RunError, match=r"wide: no trial was completed yet \(1 failed, 1 running\)"):
        said("best", "wide")


def test_a_trial_that_is_not_there_or_was_not_completed_cannot_be_taken() -> None:
    write(a_study([trial(0, values=(5.0, 400.0)), trial(1, "failed", reason="out of \x1b[31mmemory")]))
    with pytest.raises(RunError, match="has no trial 9; completed were: 0"):
        said("best", "wide", "--trial", "9")
    with pytest.raises(RunError, match=r"trial 1 of wide is failed \(out of \\x1b\[31mmemory\); completed were: 0"):
        said("best", "wide", "--trial", "1")


@pytest.mark.parametrize("verb", ["best", "show"])
def test_what_cannot_be_opened_as_a_study_is_told_in_one_line(verb: str) -> None:
    with pytest.raises(RunError, match=r'There is no study "wide"\. .*none yet'):
        said(verb, "wide")
    directory = write(a_study())
    with pytest.raises(RunError, match=r'There is no study "wise"\. Did you mean `wide`\?'):
        said(verb, "wise")
    study_file(directory).write_text('{"name": ')
    with pytest.raises(RunError, match=r"study\.json cannot be read \(.*\); the study's `harmonic tune` command"):
        said(verb, "wide")
    study_file(directory).unlink()
    (directory / "study.db").write_text("")
    with pytest.raises(RunError, match=r"an older version made this study and wrote no study\.json"):
        said(verb, "wide")


def test_a_study_whose_profile_is_gone_says_so() -> None:
    write(a_study(profile="./gone.toml"))
    with pytest.raises(ProfileError, match=r"gone\.toml.*It is the profile of study wide"):
        said("best", "wide", "--save", str(MINE))


def test_the_command_ends_with_one_line_and_its_exit_code(harmonic: Programs) -> None:
    done = harmonic.run("tune", "best", "nothing", expect=1)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith('harmonic: There is no study "nothing".')
    write(a_study(), harmonic.place / "output" / "tuning")
    (harmonic.place / "mine.toml").write_text("")
    assert harmonic.run("tune", "best", "wide", "--save", "mine.toml", expect=2).stderr.count("\n") == 1
    harmonic.run("tune", "best", "wide", "--save", "profiles/mine.toml")
    assert "latent_dim = 256" in harmonic.run("profiles", "show", "mine").stdout
