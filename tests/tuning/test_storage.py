"""Where a study is kept, and what is refused there."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from harmonic_core.errors import DiskError, ProfileError, RunError
from harmonic_core.tuning.place import DATABASE, place_of
from harmonic_core.tuning.storage import Memory, open_study

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def opened(directory: Path, storage: str | None = None, parts: int = 1) -> Memory:
    """A study in a directory."""
    return open_study(place_of(storage, directory, directory.name), directory, {}, parts, lambda: False)


def test_any_name_of_a_folder_will_do(tmp_path: Path) -> None:
    directory = tmp_path / "a b?c{d}%20#\udce9"
    opened(directory).study.set_user_attr("mark", 1)
    assert [path.name for path in directory.iterdir() if not path.name.startswith(".")] == [DATABASE]
    assert opened(directory).study.user_attrs["mark"] == 1


def test_a_file_that_is_no_study_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_text("my notes, long enough to be looked at as a database " * 20)
    with pytest.raises(RunError, match=r"study\.db is not a study .* choose another --study"):
        opened(tmp_path)
    assert (tmp_path / DATABASE).read_text().startswith("my notes")


def test_trials_without_their_database_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    (tmp_path / "trial-0000").mkdir()
    with pytest.raises(RunError, match="choose another --study"):
        opened(tmp_path)


def test_trials_of_one_database_are_not_mixed_with_those_of_another(tmp_path: Path) -> None:
    (tmp_path / "here" / "trial-0000").mkdir(parents=True)
    elsewhere = f"sqlite:///{tmp_path}/shared.db"
    opened(tmp_path / "there", elsewhere)
    with pytest.raises(RunError, match="knows none of them; choose another --study"):
        opened(tmp_path / "here", elsewhere)


def test_a_place_that_cannot_be_written_is_a_matter_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be made there"):
        opened(tmp_path / "file" / "study")
    with pytest.raises(DiskError):
        opened(tmp_path / "study", f"sqlite:///{tmp_path}/file/study.db")


def test_a_study_of_two_objectives_is_not_continued_with_one(tmp_path: Path) -> None:
    opened(tmp_path, parts=2)
    with pytest.raises(RunError, match="has 2 objectives, not 1; repeat the --objective"):
        opened(tmp_path, parts=1)


def test_a_study_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "shared.db"
    optuna.create_study(storage=f"sqlite:///{file}", study_name=tmp_path.name).ask()
    with pytest.raises(RunError, match="is not one of `harmonic tune`"):
        opened(tmp_path, f"sqlite:///{file}")


def test_studies_of_several_names_share_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared.db"
    opened(tmp_path / "one", url).study.set_user_attr("mark", 1)
    assert "mark" not in opened(tmp_path / "other", url).study.user_attrs
    assert opened(tmp_path / "one", url).study.user_attrs["mark"] == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:secret@host/database", "cannot be kept in mysql"),
        ("studies.db", "is no URL; give postgresql://user@host/database, or sqlite:///"),
        ("sqlite://studies.db", "sqlite needs the path of a file"),
        ("postgresql://user:secret@host:x/database", "host or port"),
        ("postgresql://user:secret@host", "names no database"),
        ("\x1b[31m://user:secret@host/database", "cannot be kept in"),
    ],
)
def test_what_is_no_place_for_a_study_is_refused_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        place_of(url, Path("studies/mine"), "mine")
    assert words in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_server_is_known_by_everything_but_its_password() -> None:
    place = place_of("postgres://me:a%40b@db.example:5433/music?sslmode=require&password=a%40b", Path("s"), "mine")
    assert place.url.startswith("postgresql+psycopg://me:a%40b@db.example:5433/music")
    assert place.option == "postgresql://me@db.example:5433/music?sslmode=require"
    assert place.words == "PostgreSQL database music on db.example:5433"
    assert place.hidden("FATAL a@b a%40b") == "FATAL … …"
    assert "a%40b" not in repr(place)
