"""`harmonic export`: what it writes is the model, says what it is, and is whole or not there."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from exporting import harmonic_export, refusal
from programs import Programs, wait_until
from safetensors import safe_open

from harmonic_core.run.directory import RunDirectory
from harmonic_core.sharing import comparison
from harmonic_core.sharing.card import Sheet, card
from harmonic_core.sharing.contents import contents_of
from harmonic_core.sharing.opened import Opened, open_model
from harmonic_core.training.weights import read_export, write_export

FORMATS = ("safetensors", "torchscript", "onnx")


def sounds(model: Opened, count: int) -> np.ndarray:
    samples = model.trained.profile.segment_samples
    time = np.arange(samples) / model.trained.profile.audio.sample_rate
    pitch = 110.0 * 2.0 ** (np.arange(count) / 3.0)[:, None]
    return (0.3 * np.sign(np.sin(2 * np.pi * pitch * time)) * np.exp(-time)).astype(np.float32)


@pytest.fixture(scope="module")
def original(shared_run: RunDirectory) -> Opened:
    return open_model(str(shared_run.path), "cpu")


def card_of(path: Path) -> str:
    return (path / "README.md" if path.is_dir() else path.with_name(f"{path.name}.md")).read_text()


@torch.no_grad()
def test_the_graphs_of_onnx_compute_what_the_model_does_for_every_batch(
    exports: dict[str, Path], original: Opened
) -> None:
    parts = {
        name: onnxruntime.InferenceSession(exports["onnx"] / f"{name}.onnx")
        for name in ("features", "encoder", "decoder")
    }
    for count in (1, 2, 7):
        samples = sounds(original, count)
        mel = original.trained.features(torch.from_numpy(samples))
        mu, logvar = original.trained.model.encode(mel)
        decoded = original.trained.model.decode(mu)
        (their_mel,) = parts["features"].run(["mel"], {"samples": samples})
        their_mu, their_logvar = parts["encoder"].run(["mu", "logvar"], {"mel": mel.numpy()})
        (their_decoded,) = parts["decoder"].run(["mel"], {"latent": mu.numpy()})
        for ours, theirs in ((mel, their_mel), (mu, their_mu), (logvar, their_logvar), (decoded, their_decoded)):
            assert np.abs(ours.numpy() - theirs).max() <= 1e-4


def test_onnx_gives_the_same_numbers_every_time(exports: dict[str, Path], original: Opened) -> None:
    session = onnxruntime.InferenceSession(exports["onnx"] / "decoder.onnx")
    latent = np.random.default_rng(0).standard_normal((64, original.trained.model.latent_dim), dtype=np.float32)
    first = session.run(None, {"latent": latent})[0]
    assert all(np.array_equal(first, session.run(None, {"latent": latent})[0]) for _ in range(20))
    # That adds to places of a table from several threads at once, and loses some of it.
    assert not any(
        node.op_type.startswith("Scatter") for node in onnx.load(exports["onnx"] / "decoder.onnx").graph.node
    )


@torch.no_grad()
def test_a_torchscript_archive_computes_what_the_model_does(exports: dict[str, Path], original: Opened) -> None:
    extra = {"features.json": "", "README.md": ""}
    loaded = torch.jit.load(exports["torchscript"], _extra_files=extra)
    samples = torch.from_numpy(sounds(original, 5))
    mel = original.trained.features(samples)
    posterior = original.trained.model.encode(mel)
    torch.testing.assert_close(loaded.features(samples), mel)
    torch.testing.assert_close(loaded.encode(mel), tuple(posterior))
    torch.testing.assert_close(loaded(samples), original.trained.model.decode(posterior.mu))
    assert json.loads(extra["features.json"])["sample_rate"] == 22050
    assert "# " in extra["README.md"].decode()


@pytest.mark.parametrize("export_format", FORMATS)
def test_an_export_opens_as_the_model_with_its_genres_and_its_vocoder(
    exports: dict[str, Path], original: Opened, export_format: str
) -> None:
    opened = open_model(str(exports[export_format]), "cpu")
    assert opened.fingerprint == original.fingerprint
    assert opened.run is None
    ours, theirs = original.latents(), opened.latents()
    assert torch.equal(ours.mu, theirs.mu)
    assert torch.equal(ours.deviation, theirs.deviation)
    assert ours.labels["genre"] == theirs.labels["genre"]
    assert ours.estimated == theirs.estimated
    assert (opened.trained.step, opened.trained.epoch) == (original.trained.step, original.trained.epoch)
    assert original.trained.refine is not None
    assert opened.trained.refine is not None
    assert np.array_equal(opened.voice().sound(theirs.mu[0]), original.voice().sound(ours.mu[0]))


@pytest.mark.parametrize("export_format", FORMATS)
def test_nothing_tells_of_the_machine_or_of_files(
    exports: dict[str, Path], original: Opened, shared_run: RunDirectory, export_format: str
) -> None:
    path = exports[export_format]
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    content = b"".join(file.read_bytes() for file in files)
    if export_format == "torchscript":
        with zipfile.ZipFile(path) as archive:
            content = b"".join(map(archive.read, archive.namelist()))
    for place in (shared_run.path, Path.cwd(), Path(sys.prefix), Path.home()):
        assert str(place.resolve()).encode() not in content
    assert not any(title.encode() in content for title in original.latents().labels["track"])


@pytest.mark.parametrize("export_format", FORMATS)
def test_the_card_says_what_it_is_and_its_front_matter_is_yaml(exports: dict[str, Path], export_format: str) -> None:
    card = card_of(exports[export_format])
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "harmonic-vae"
    assert front["license"] == "unknown"
    for words in (
        "held out",
        "genres",
        "validation error",
        "active units",
        "KL",
        "epochs",
        "made by the program",
        "Mono",
    ):
        assert words in card
    figures = [float(value) for value in re.findall(r"\| (?:mel \(features\)|mu|logvar|decoded mel) \| (\S+) \|", card)]
    assert len(figures) == 4
    assert max(figures) <= 1e-3
    assert "held-out segments of its music" in card
    with (
        safe_open(exports[export_format] / "model.safetensors", "np")
        if export_format == "onnx"
        else safe_open(exports["safetensors"], "np") as file
    ):
        assert "## Limits" in file.metadata()["card"]


@pytest.mark.parametrize("export_format", FORMATS)
def test_the_code_in_the_card_runs_as_it_stands(
    exports: dict[str, Path], export_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = exports[export_format]
    monkeypatch.chdir(path if path.is_dir() else path.parent)
    blocks = re.findall(r"```python\n(.*?)```", card_of(path), re.DOTALL)
    assert len(blocks) == (2 if export_format == "safetensors" else 3)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    if export_format != "safetensors":
        assert np.isfinite(names["sound"]).all()
    assert names["settings"]["sample_rate"] == 22050


def test_without_latents_genres_stay_behind(shared_run: RunDirectory, tmp_path: Path) -> None:
    harmonic_export(shared_run.path, "--without-latents", "--output", tmp_path / "bare")
    opened = open_model(str(tmp_path / "bare.safetensors"), "cpu")
    with pytest.raises(Exception, match="without what is known of their music"):
        opened.latents()
    assert "likenesses" not in (tmp_path / "bare.safetensors.md").read_text()


def test_weights_alone_are_exported_without_music_and_say_so(
    original: Opened, shared_run: RunDirectory, tmp_path: Path
) -> None:
    alone = tmp_path / "alone.pt"
    shutil.copy(shared_run.export("best"), alone)
    result = harmonic_export(alone, "--output", tmp_path / "y.safetensors", "--json")
    assert "without genres" in result.stderr
    document = json.loads(result.stdout)
    assert document["latents"] == 0
    assert "made by the program" in document["difference"]["sound"]
    assert "not recorded" in (tmp_path / "y.safetensors.md").read_text()


def test_words_from_outside_stay_words_in_the_card(shared_run: RunDirectory, tmp_path: Path) -> None:
    nasty = tmp_path / "a`b <script>*_[x](y)"
    shutil.copytree(shared_run.path, nasty)
    music = json.loads((nasty / "music.json").read_text())
    music["genres"][0]["name"] = "<b>loud</b> | [x](y)"
    (nasty / "music.json").write_text(json.dumps(music))
    licence = 'mine: "yes" | <b>\n---\n# no'
    harmonic_export(nasty, "--output", tmp_path / "n.safetensors", "--licence", licence)
    text = (tmp_path / "n.safetensors.md").read_text()
    front = yaml.safe_load(text.split("\n---\n")[0].removeprefix("---"))
    assert front["license"] == "other"
    assert front["model_name"] == nasty.name
    assert "\n# no" not in text
    assert not re.search(r"(?<!\\)<(script|b)>", text.split("\n---\n", 1)[1])


@pytest.mark.parametrize(
    ("data", "licence", "words"),
    [
        ({"dataset": "gtzan"}, "other", "GTZAN has no licence"),
        ({"dataset": "maestro"}, "cc-by-nc-sa-4.0", "MAESTRO is CC BY-NC-SA 4.0"),
        ({"dataset": "combined"}, "other", "The licence of the music was not stated"),
        ({"dataset": "custom"}, "unknown", "The licence of the music was not stated"),
    ],
)
def test_the_card_names_the_licence_of_the_data(
    original: Opened, data: dict[str, str], licence: str, words: str
) -> None:
    profile = original.trained.profile
    other = profile.model_copy(update={"data": profile.data.model_copy(update=data)})
    trained = replace(original.trained, profile=other)
    difference = comparison.Difference(0.0, 0.0, 0.0, 0.0, (1,), "music")
    text = card(Sheet("m", "safetensors", Path("m.safetensors"), trained, None, difference, 0, "", "0"))
    assert yaml.safe_load(text.split("---")[1])["license"] == licence
    assert words in text


def test_no_folder_of_the_machine_is_in_a_profile_that_is_given_away(original: Opened) -> None:
    profile = original.trained.profile
    places = {"dataset_dir": Path("/secret/a"), "custom_dir": (Path("/secret/b"),), "maestro_dir": (Path("/secret/c"),)}
    places |= {"gtzan_dir": (Path("/secret/d"),), "cache_dir": Path("/secret/e")}
    parts = {
        "data": profile.data.model_copy(update=places),
        "output": profile.output.model_copy(update={"output_dir": Path("/secret/f")}),
        "train": profile.train.model_copy(update={"resume_from": Path("/secret/g")}),
    }
    trained = replace(original.trained, profile=profile.model_copy(update=parts))
    given = contents_of(trained, "m", original.fingerprint, None, None)
    assert "secret" not in "".join(given.metadata.values())
    assert "latent_dim = 8" in given.metadata["profile"]


@pytest.mark.parametrize("export_format", FORMATS)
def test_the_settings_in_the_file_are_enough_to_compute_its_features(
    exports: dict[str, Path], original: Opened, export_format: str
) -> None:
    path = exports[export_format]
    if export_format == "torchscript":
        extra = {"features.json": ""}
        torch.jit.load(path, _extra_files=extra)
        told = extra["features.json"]
    elif export_format == "onnx":
        session = onnxruntime.InferenceSession(path / "encoder.onnx")
        told = session.get_modelmeta().custom_metadata_map["features"]
    else:
        with safe_open(path, "np") as file:
            told = file.metadata()["features"]
    settings = json.loads(told)
    window = np.hanning(settings["win_length"] + 1)[:-1]
    (sound,) = sounds(original, 1)
    sizes = {"n_fft": settings["n_fft"], "hop_length": settings["hop_length"]}
    spectrum = librosa.stft(
        sound, **sizes, window=window * 2 / window.sum(), center=settings["center"], pad_mode=settings["pad_mode"]
    )
    bands = librosa.filters.mel(
        sr=settings["sample_rate"],
        n_fft=settings["n_fft"],
        n_mels=settings["n_mels"],
        fmin=settings["f_min"],
        fmax=settings["f_max"],
        norm=settings["mel_norm"],
    )
    level = 10 * np.log10(np.maximum(bands @ np.abs(spectrum) ** settings["power"], 1e-20))
    mel = np.clip((level - settings["top_db"]) / settings["dynamic_range_db"] + 1, 0, 1)
    assert mel.shape == (settings["n_mels"], settings["frames"])
    assert np.abs(mel - original.trained.features(torch.from_numpy(sound[None]))[0].numpy()).max() < 1e-4


def test_a_file_whose_name_is_no_text_opens(exports: dict[str, Path], tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff.safetensors")
    shutil.copy(exports["safetensors"], odd)
    assert open_model(str(odd), "cpu").name == odd.stem
    harmonic_export(odd, expect=1)


def test_a_run_gives_its_name_to_its_export_though_its_weights_lie_in_a_file(
    shared_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "it's\n```é"
    shutil.copytree(shared_run.path, named)
    shutil.rmtree(RunDirectory(named).checkpoints)
    monkeypatch.chdir(tmp_path)
    harmonic_export(named, "--without-latents")
    target = Path(f"{named.name}.safetensors")
    assert open_model(str(target), "cpu").name == named.name
    text = card_of(target)
    (shell,) = re.findall(r"```sh\n(.*)\n```", text)
    typed = shell.removeprefix("harmonic generate ").partition(" -n")[0]
    said = subprocess.run(["bash", "-c", f"printf %s {typed}"], capture_output=True, check=True).stdout
    assert said == os.fsencode(target)
    (block,) = re.findall(r"```python\n(from harmonic_core.*?)\n```\n", text, re.DOTALL)
    exec(block, {})


def test_what_is_there_is_kept_unless_asked_and_only_exports_are_replaced(
    shared_run: RunDirectory, tmp_path: Path
) -> None:
    target = tmp_path / "m.safetensors"
    target.write_text("mine")
    assert "there already; add --force" in refusal(shared_run.path, "--output", target)
    assert target.read_text() == "mine"
    harmonic_export(shared_run.path, "--output", target, "--force", "--without-latents")
    assert open_model(str(target), "cpu")
    folder = tmp_path / "folder.onnx"
    folder.mkdir()
    (folder / "encoder.onnx").write_text("")
    (folder / "model.safetensors").write_text("")
    (folder / "diary.txt").write_text("mine")
    assert "not replaced" in refusal(shared_run.path, "--format", "onnx", "--output", folder, "--force")
    assert (folder / "diary.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.onnx", "m.safetensors", "m.safetensors.md"]


def test_an_export_that_differs_is_not_left_there(
    shared_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = comparison._PARTS["safetensors"]

    def damaged(path: Path) -> tuple[comparison.Part, ...]:
        features, encode, decode = read(path)
        return features, lambda mel: [encode(mel)[0] + 0.002, encode(mel)[1]], decode

    monkeypatch.setitem(comparison._PARTS, "safetensors", damaged)
    words = refusal(shared_run.path, "--output", tmp_path / "m.safetensors")
    assert "differ from the original by 2.0e-03" in words
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused_in_words(
    shared_run: RunDirectory, exports: dict[str, Path], tmp_path: Path
) -> None:
    assert "--format png: unknown" in refusal(shared_run.path, "--format", "png", expect=2)
    assert "nowhere" in refusal("nowhere")
    assert "exported already" in refusal(exports["safetensors"], "--output", tmp_path / "x")
    assert "no such folder" in refusal(shared_run.path, "--output", tmp_path / "gone/x.safetensors", expect=5)
    assert "too long" in refusal("a" * 300)
    assert "too long" in refusal(shared_run.path, "--output", tmp_path / f"{'a' * 300}.safetensors", expect=5)
    assert "too long" in refusal(shared_run.path, "--output", tmp_path / f"{'a' * 230}.safetensors", expect=5)
    assert "not an exported model" in refusal(shared_run.vocoder)
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    assert "not a model" in refusal(tmp_path / "song.wav")
    empty = RunDirectory(Path(shutil.copytree(shared_run.path, tmp_path / "empty")))
    shutil.rmtree(empty.checkpoints)
    for export in empty.path.glob("*.pt"):
        export.unlink()
    assert "no weights yet" in refusal(empty.path)
    weights = read_export(shared_run.export("best"))
    newer = weights["profile"].replace("[model]", "[model]\nshiny = 3", 1)
    write_export(tmp_path / "newer.pt", weights["model"], newer, 1, 1)
    assert "of another version of this program" in refusal(tmp_path / "newer.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "newer.pt").read_bytes()[:3000])
    assert "not an export of this program" in refusal(tmp_path / "cut.pt")
    nan = {
        name: tensor * float("nan") if tensor.is_floating_point() else tensor
        for name, tensor in weights["model"].items()
    }
    write_export(tmp_path / "nan.pt", nan, weights["profile"], 1, 1)
    assert "are no numbers" in refusal(tmp_path / "nan.pt")


def test_without_the_extra_it_says_how_to_install_it(shared_run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    from harmonic_core.sharing import graphs

    monkeypatch.setattr(graphs, "find_spec", lambda name: None if name == "onnxruntime" else object())
    words = refusal(shared_run.path, "--format", "onnx", expect=2)
    assert "needs onnxruntime" in words
    assert "harmonic-vae[onnx]" in words


def test_a_full_disk_leaves_nothing_and_says_so(harmonic: Programs, shared_run: RunDirectory) -> None:
    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = subprocess.run(
        [*harmonic.command, "export", str(shared_run.path), "--output", "m.safetensors"],
        cwd=harmonic.place,
        env=harmonic.environment,
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "no room" in done.stderr.splitlines()[-1]
    assert list(harmonic.place.iterdir()) == []


def test_an_interruption_leaves_nothing(harmonic: Programs, shared_run: RunDirectory) -> None:
    process = harmonic.start("export", str(shared_run.path), "--format", "torchscript", "--output", "out/m")
    (harmonic.place / "out").mkdir(exist_ok=True)
    told = harmonic.place / "stderr.txt"
    wait_until(lambda: "looking for music" in told.read_text() or process.poll() is not None, "it begins")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    assert process.returncode == 130, told.read_text()
    assert "nothing was written" in told.read_text()
    assert list((harmonic.place / "out").iterdir()) == []
