"""`harmonic profiles list | show | explain | schema | path`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from typer.testing import CliRunner

from harmonic_core.cli.profiles import app
from harmonic_core.errors import ProfileError
from harmonic_core.profile.explain import fields
from harmonic_core.profile.resolve import load, resolve
from harmonic_core.profile.sections import Profile

Write = Callable[..., Path]


def run(*arguments: str) -> str:
    """What a verb that succeeds prints to stdout."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list_names_every_profile_with_its_origin_and_description(write: Write) -> None:
    write("profiles/mine.toml", '[run]\ndescription = "of my own"\n')
    write("profiles/broken.toml", "[[[")
    lines = {line.split()[0]: line for line in run("list").splitlines()}
    assert lines["mine"].split(maxsplit=3) == ["mine", "project", "demo", "of my own"]
    assert lines["gtzan"].split()[1:3] == ["packaged", "gtzan"]
    assert "cannot be used" in lines["broken"]


def test_list_prints_json_for_programs() -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json"))}
    assert rows["demo"]["origin"] == "packaged"
    assert Path(rows["demo"]["path"]).is_file()
    assert rows["demo"]["error"] is None


def test_list_lets_no_escape_codes_from_a_profile_through(write: Write) -> None:
    write("profiles/evil\x1b[31m.toml", '[run]\ndescription = "\\u001b]0;owned\\u0007[red]"')
    assert all(line.isprintable() for line in run("list").splitlines())
    assert "[red]" in run("list")


def test_show_prints_toml_that_is_the_profile_with_the_origin_of_each_value(write: Write) -> None:
    shown = run("show", "gtzan", "--set", "epochs=7")
    assert tomli.loads(shown)["train"]["epochs"] == 7
    assert load(write("copy.toml", shown)) == resolve("gtzan", settings=["epochs=7"], environ={}).profile
    lines = {line.split(" = ")[0]: line for line in shown.splitlines() if " = " in line}
    assert lines["epochs"].endswith("# --set")
    assert "# packaged gtzan.toml:" in lines["latent_dim"]
    assert lines["n_mels"].endswith("# default")
    assert "# input_dim = 16640" in shown
    assert "# segment_frames = 130" in shown


def test_show_prints_json_with_origins_and_what_is_computed() -> None:
    shown = json.loads(run("show", "demo", "--json"))
    assert shown["profile"]["data"]["dataset"] == "demo"
    assert shown["origins"]["data.dataset"].startswith("packaged demo.toml:")
    assert shown["computed"]["input_dim"] == 128 * 130


def test_show_prints_a_profile_that_still_lacks_something_and_says_what() -> None:
    result = CliRunner().invoke(app, ["show", "custom"])
    assert result.exit_code == 0
    assert 'dataset = "custom"' in result.stdout
    assert "--custom-dir" in result.stderr
    assert "--custom-dir path" not in result.stdout


def test_show_refuses_what_is_wrong() -> None:
    result = CliRunner().invoke(app, ["show", "demo", "--set", "epochs=never"])
    assert isinstance(result.exception, ProfileError)
    assert '--set: train.epochs = "never"' in str(result.exception)


@pytest.mark.parametrize("key", ["learning_rate", "train.learning_rate", "--learning-rate"])
def test_explain_says_what_a_setting_does_and_every_way_to_set_it(key: str) -> None:
    text = run("explain", "--", key.removeprefix("--"))
    for expected in ("Highest learning rate of AdamW", "above 0", "0.001", "--learning-rate", "HARMONIC_LEARNING_RATE"):
        assert expected in text


def test_explain_without_a_key_lists_every_setting() -> None:
    words = run("explain").split()
    assert all(each.leaf in words for each in fields())


def test_explain_of_a_section_lists_that_section_only() -> None:
    text = run("explain", "loss")
    assert "beta_end" in text
    assert "epochs" not in text.split()


@pytest.mark.parametrize(("key", "hint"), [("latent_dimm", "`latent_dim`"), ("input_dim", "computed"), ("\x1b", "x1b")])
def test_explain_of_an_unknown_key_offers_the_nearest(key: str, hint: str) -> None:
    result = CliRunner().invoke(app, ["explain", key])
    assert isinstance(result.exception, ProfileError)
    assert hint in str(result.exception)
    assert str(result.exception).isprintable()


def test_every_setting_says_what_it_does_and_what_it_takes() -> None:
    assert all(each.doc and each.allowed and each.default_text for each in fields())


def test_every_default_is_written_so_that_it_can_be_given_back() -> None:
    given_back = [f"{each.key}={each.default_text}" for each in fields() if each.default not in {None, "", ()}]
    assert resolve(None, settings=given_back, environ={}).profile == Profile()


def test_the_schema_knows_every_setting_and_extends() -> None:
    schema = json.loads(run("schema"))
    assert schema["properties"].keys() == {"extends", *Profile.model_fields}
    assert schema["$defs"]["Train"]["properties"]["epochs"]["description"]


def test_path_prints_where_the_file_is(write: Write) -> None:
    file = write("profiles/mine.toml", "")
    assert run("path", "mine") == f"{file}\n"


def test_the_verbs_cost_no_heavy_import_until_they_run() -> None:
    heavy = {"torch", "textual", "librosa", "pydantic", "harmonic_core.profile.sections"}
    code = f"import sys, harmonic_core.cli.profiles; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_profiles_are_read_without_torch_or_a_screen() -> None:
    heavy = {"torch", "textual", "librosa", "rich"}
    code = f"import sys, harmonic_core.profile.resolve as r; r.resolve('demo'); print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_is_said_of_flags_is_what_training_takes() -> None:
    import inspect

    from harmonic_core.cli.train import train
    from harmonic_core.profile.explain import FLAGS

    of_the_command_alone = {
        *("profile", "config", "settings", "mode", "trials", "allow_changes", "allow_partial"),
        *("nproc", "nnodes", "rdzv_endpoint", "rdzv_id", "node_rank", "max_restarts"),
    }
    assert set(inspect.signature(train).parameters) - of_the_command_alone == FLAGS
