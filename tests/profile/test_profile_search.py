"""Where profiles are found."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonic_core.errors import ProfileError
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.search import available, find, packaged_folder
from harmonic_core.profile.sections import CaseStudy, Profile

Write = Callable[..., Path]
SHIPPED = {"demo", "quick_test", "gtzan", "maestro", "maestro_full", "custom", "combined", "finetune"}


def test_the_profiles_that_come_with_the_program_are_found_from_any_folder() -> None:
    listings = available()
    assert {each.name for each in listings} == SHIPPED
    assert {each.origin for each in listings} == {"packaged"}
    assert all(each.error is None and each.description for each in listings)


def test_the_project_comes_before_the_user_and_the_user_before_the_program(write: Write) -> None:
    write("config/harmonic-vae/profiles/demo.toml", "[train]\nepochs = 2")
    assert load(find("demo")).train.epochs == 2
    write("profiles/demo.toml", "[train]\nepochs = 1")
    assert load(find("demo")).train.epochs == 1
    (listing,) = [each for each in available() if each.name == "demo"]
    assert listing.origin == "project"


def test_a_broken_profile_is_listed_with_its_reason_beside_the_others(write: Write) -> None:
    write("profiles/broken.toml", "[train\n")
    write("profiles/wrong.toml", "[train]\nepoch = 3\n")
    (write("profiles/fine.toml", '[run]\ndescription = "fine"\n[data]\ndataset = "gtzan"'))
    (Path("profiles") / "folder.toml").mkdir()
    listings = {each.name: each for each in available()}
    assert "profiles/broken.toml:1" in (listings["broken"].error or "")
    assert "did you mean `epochs`?" in (listings["wrong"].error or "")
    assert (listings["fine"].description, listings["fine"].dataset) == ("fine", "gtzan")
    assert "folder" not in listings
    assert listings.keys() >= SHIPPED


def test_an_unknown_name_is_told_what_there_is_and_what_comes_nearest() -> None:
    with pytest.raises(ProfileError, match=r"no profile \"gtzen\".*Did you mean `gtzan`\?.*maestro_full"):
        find("gtzen")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "\x1b[31mred", "", "."], ids=range(5))
def test_a_hostile_name_is_refused_on_one_line_without_control_characters(name: str) -> None:
    with pytest.raises(ProfileError) as refused:
        find(name)
    assert str(refused.value).isprintable()


def test_a_path_is_taken_as_a_path_and_a_name_never_as_one(write: Write) -> None:
    file = write("mine.toml", "[train]\nepochs = 7")
    assert find("mine.toml") == find("./mine.toml") == Path("mine.toml")
    assert resolve(file, environ={}).profile.train.epochs == 7
    with pytest.raises(ProfileError, match="no profile"):
        find("mine")


def test_a_missing_file_named_like_a_profile_points_to_the_profile() -> None:
    with pytest.raises(ProfileError, match=r"no file demo\.toml\. Did you mean the profile `demo`\?"):
        find("demo.toml")


@pytest.mark.parametrize(
    ("path", "reason"),
    [("folder.toml", "is a folder"), ("a\0/b.toml", "NUL"), ("x" * 5000 + "/y.toml", "cannot be read")],
    ids=["folder", "NUL", "too long"],
)
def test_a_path_that_is_no_file_is_refused_with_the_reason(path: str, reason: str) -> None:
    Path("folder.toml").mkdir()
    with pytest.raises(ProfileError, match=reason):
        find(path)


def test_a_pipe_is_refused_instead_of_waited_for() -> None:
    os.mkfifo("pipe.toml")
    with pytest.raises(ProfileError, match="not a regular file"):
        load(find("./pipe.toml"))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_profile_can_train_once_its_folders_are_named(name: str) -> None:
    resolved = resolve(name, flags={"custom_dir": "music"}, environ={})
    assert resolved.name == name
    assert resolved.profile.run.description


def test_the_shipped_profiles_are_those_of_the_documented_set_ups() -> None:
    gtzan, quick, maestro, full, finetune = (
        resolve(name, environ={}, check=False).profile
        for name in ("gtzan", "quick_test", "maestro", "maestro_full", "finetune")
    )
    assert (gtzan.data.segment_length, gtzan.model.latent_dim, gtzan.train.epochs) == (3.0, 128, 100)
    assert (gtzan.hidden_dims, gtzan.train.learning_rate) == ((1024, 512, 256), 5e-4)
    assert (gtzan.loss.beta_start, gtzan.loss.beta_end, gtzan.output.checkpoint_every) == (1e-4, 1e-2, 10)
    assert (quick.data.dataset, quick.train.epochs, quick.train.batch_size, quick.model.latent_dim) == (
        "gtzan",
        20,
        16,
        64,
    )
    assert (maestro.data.segment_length, maestro.model.latent_dim, maestro.train.epochs) == (4.0, 256, 100)
    assert len(maestro.hidden_dims) > len(gtzan.hidden_dims)
    assert (full.data.dataset, full.train.epochs, full.train.batch_size, full.model.latent_dim) == (
        "maestro",
        100,
        32,
        256,
    )
    assert (gtzan.case_study.clusters_by, maestro.case_study.structured_by) == (60, 80)
    assert full.case_study == maestro.case_study
    assert quick.case_study == CaseStudy()
    assert (finetune.data.dataset, finetune.train.epochs) == ("custom", 20)
    assert finetune.train.finetune_learning_rate < finetune.train.learning_rate
    assert finetune.model == Profile().model


def test_the_packaged_folder_is_where_the_shipped_files_are() -> None:
    assert {path.stem for path in packaged_folder().glob("*.toml")} == SHIPPED
