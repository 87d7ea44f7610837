"""Where a study is kept, and what is refused there."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.pruners import NopPruner

from harmonic_core.errors import DiskError, RunError
from harmonic_core.tuning.storage import DATABASE, open_study

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def test_any_name_of_a_folder_will_do(tmp_path: Path) -> None:
    directory = tmp_path / "a b?c{d}%20#\udce9"
    open_study(directory, {}, NopPruner()).set_user_attr("mark", 1)
    assert [path.name for path in directory.iterdir()] == [DATABASE]
    assert open_study(directory, {}, NopPruner()).user_attrs["mark"] == 1


def test_a_file_that_is_no_study_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_text("my notes, long enough to be looked at as a database " * 20)
    with pytest.raises(RunError, match=r"study\.db is not a study .* choose another --study"):
        open_study(tmp_path, {}, NopPruner())
    assert (tmp_path / DATABASE).read_text().startswith("my notes")


def test_trials_without_their_database_are_not_mixed_with_new_ones(tmp_path: Path) -> None:
    (tmp_path / "trial-0000").mkdir()
    with pytest.raises(RunError, match="choose another --study"):
        open_study(tmp_path, {}, NopPruner())


def test_a_place_that_cannot_be_written_is_a_matter_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="cannot be made there"):
        open_study(tmp_path / "file" / "study", {}, NopPruner())
