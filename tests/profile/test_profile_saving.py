"""A changed profile is saved as a copy in which only the changes differ."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tomli

from harmonic_core.errors import DiskError, ProfileError
from harmonic_core.profile.draft import Draft
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.save import changed_text, free_name, save_as

Write = Callable[..., Path]
FOLDER = Path("profiles")
TEXT = """\
# What it is for.
extends = "base"

[model]
# About the size.
latent_dim = 64  # small
# A remark on the model.

# About the loss.
[loss]
beta_end = 2e-3

# The last word.
"""


@pytest.fixture
def source(write: Write) -> Path:
    write("profiles/base.toml", '[data]\ndataset_dir = "music"\n[train]\nepochs = 7\n')
    return write("profiles/mine.toml", TEXT)


def draft(source: Path, **texts: str) -> Draft:
    return Draft(source, {key.replace("__", "."): text for key, text in texts.items()}, environ={})


def saved(draft: Draft, name: str = "copy", folder: Path = FOLDER, *, overwrite: bool = False) -> Path:
    return save_as(draft.path, draft.changes, name, folder, overwrite=overwrite)


def test_a_copy_without_changes_is_the_same_to_the_letter(source: Path) -> None:
    assert saved(draft(source)).read_text() == TEXT


def test_only_the_changed_lines_differ_and_comments_stay_where_they_were(source: Path) -> None:
    path = saved(draft(source, model__latent_dim="32", model__kernel_size="9", loss__free_bits="5e-2"))
    assert path.read_text() == TEXT.replace("latent_dim = 64", "latent_dim = 32").replace(
        "# A remark on the model.\n", "# A remark on the model.\nkernel_size = 9\n"
    ).replace("beta_end = 2e-3\n", "beta_end = 2e-3\nfree_bits = 5e-2\n")


def test_a_section_that_was_not_there_comes_last(source: Path) -> None:
    text = saved(draft(source, train__epochs="3")).read_text()
    assert text.startswith(TEXT)
    assert text.endswith("[train]\nepochs = 3\n")


def test_what_is_read_back_is_what_was_meant(source: Path) -> None:
    changed = draft(
        source, data__custom_dir='["a b", "c"]', model__hidden_dims="16, 16", run__description="a # b", data__hours="2"
    )
    assert load(saved(changed)) == changed.profile


def test_a_setting_of_the_extended_profile_can_be_taken_away(source: Path) -> None:
    assert draft(source).profile.data.dataset_dir == Path("music")
    assert load(saved(draft(source, data__dataset_dir=""))).data.dataset_dir is None


def test_a_setting_that_nothing_extends_is_simply_left_out(write: Write) -> None:
    path = write("profiles/mine.toml", "[audio]\n# High.\nf_max = 8000\n")
    assert saved(draft(path, audio__f_max="")).read_text() == "[audio]\n# High.\n"


@pytest.mark.parametrize(
    "text", ["", "train.epochs = 5\n", "train = {epochs = 5}\n", "[train]\nepochs = 5", "[ 'train' ]\n'epochs' = 5\n"]
)
def test_every_way_of_writing_toml_takes_changes(write: Write, text: str) -> None:
    path = write("profiles/mine.toml", text)
    changed = draft(path, train__epochs="6", train__batch_size="4", loss__free_bits="1")
    assert load(saved(changed)) == changed.profile


def test_what_belongs_to_one_run_is_not_saved(source: Path) -> None:
    assert saved(draft(source, run__name="tuesday", output__output_dir="elsewhere")).read_text() == TEXT


def test_what_is_extended_is_found_from_the_new_place_too(source: Path, workplace: Path) -> None:
    elsewhere = workplace / "other" / "place"
    path = saved(draft(source, train__epochs="3"), folder=elsewhere)
    assert tomli.loads(path.read_text())["extends"] == "base"
    Path("aside").mkdir()
    beside = Path("aside/odd.toml")
    beside.write_text('extends = "./ground.toml"\n')
    Path("aside/ground.toml").write_text("[train]\nepochs = 11\n")
    copy = saved(draft(beside, train__batch_size="8"), "odd")
    assert tomli.loads(copy.read_text())["extends"] == "../aside/ground.toml"
    assert load(copy).train.epochs == 11


def test_a_copy_never_takes_the_place_of_what_it_extends(source: Path) -> None:
    with pytest.raises(ProfileError, match="what this profile extends"):
        saved(draft(source), "base", overwrite=True)


def test_nothing_is_overwritten_unasked(source: Path) -> None:
    with pytest.raises(ProfileError, match=r"is there already; take another name, such as mine-2\."):
        saved(draft(source, train__epochs="3"), "mine")
    assert source.read_text() == TEXT
    assert load(saved(draft(source, train__epochs="3"), "mine", overwrite=True)).train.epochs == 3
    assert [path.name for path in FOLDER.iterdir() if path.suffix != ".toml"] == []


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("", "such as mine"),
        ("../up", "such as up"),
        ("a/b", "such as a-b"),
        ("a b\x1b[31m", "such as a-b-31m"),
        (".hidden", "such as hidden"),
        ("-x", "such as x"),
        ("mine.toml", "is added: mine"),
        ("x" * 101, "up to 100"),
        ("ü", "such as mine"),
    ],
)
def test_hostile_names_are_refused_with_one_that_can_be(source: Path, name: str, instead: str) -> None:
    with pytest.raises(ProfileError) as refused:
        saved(draft(source), name)
    assert instead in str(refused.value)
    assert str(refused.value).isprintable()
    assert sorted(path.name for path in FOLDER.iterdir()) == ["base.toml", "mine.toml"]


def test_a_folder_that_cannot_be_written_is_said(source: Path) -> None:
    Path("file").write_text("")
    for folder in (Path("file"), Path("file/below")):
        with pytest.raises(DiskError, match="file"):
            saved(draft(source), folder=folder)
    Path("profiles/folder.toml").mkdir()
    with pytest.raises(ProfileError, match=r"folder\.toml"):
        saved(draft(source), "folder", overwrite=True)


def test_a_link_is_not_written_through(source: Path) -> None:
    (FOLDER / "link.toml").symlink_to("/nowhere/at/all")
    with pytest.raises(ProfileError, match="there already"):
        saved(draft(source), "link")
    assert free_name("link", FOLDER) == "link-2"


def test_a_draft_is_what_set_would_make_of_the_same_texts(source: Path) -> None:
    changed = draft(source, train__epochs="3", data__custom_dir="my music", model__hidden_dims="[8, 8]")
    assert resolve(source, settings=changed.settings, environ={}).profile == changed.profile
    said = "--set 'data.custom_dir=my music' --set 'model.hidden_dims=[8, 8]' --set train.epochs=3"
    assert changed.command == f"harmonic train {source} {said}"


def test_a_text_that_comes_to_the_same_value_is_no_change(source: Path) -> None:
    changed = draft(source)
    changed.set_text(("loss", "beta_end"), "0.002")
    assert not changed.texts
    changed.set_text(("loss", "beta_end"), "0.0020001")
    assert [(each.name, each.before, each.after) for each in changed.changes] == [("loss.beta_end", 0.002, 0.0020001)]
    changed.undo(("loss", "beta_end"))
    assert not changed.changes


def test_a_draft_says_what_is_wrong_by_itself_and_together(source: Path) -> None:
    changed = draft(source, train__epochs="many", loss__beta_start="1")
    assert [each.key for each in changed.problems] == ["loss.beta_end", "train.epochs"]
    assert "can only rise" in changed.problems[0].message
    assert changed.is_invalid(("train", "epochs"))
    assert changed.value(("train", "epochs")) == 7
    assert [each.name for each in changed.changes] == ["loss.beta_start"]


def test_every_value_can_be_typed_as_it_is_shown(source: Path) -> None:
    from harmonic_core.profile.explain import fields

    whole = draft(source, data__custom_dir='["a", "b, c"]', run__description="true", data__years="[2004]")
    for each in fields():
        key = (each.section, each.leaf)
        before = whole.value(key)
        whole.set_text(key, whole.text(key))
        assert whole.value(key) == before, each.key


def test_text_of_a_table_into_which_nothing_fits_is_left_alone(write: Write) -> None:
    path = write("profiles/mine.toml", "[train]\nepochs = 5\n")
    changes = draft(path, train__epochs="6").changes
    assert changed_text("[train]\nepochs = 5 # five\n", changes) == "[train]\nepochs = 6 # five\n"
