"""Exported models that are damaged, lie, or carry something else: one clear line, no code run, no memory taken."""

from __future__ import annotations

import io
import json
import pickle
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from harmonic_core.errors import RunError
from harmonic_core.sharing.opened import open_model

Change = Callable[[dict[str, torch.Tensor], dict[str, str]], object]


def refused(path: Path) -> str:
    """Why a model is not opened, on one line."""
    with pytest.raises(RunError) as caught:
        open_model(str(path), "cpu")
    words = str(caught.value)
    assert "\n" not in words
    assert len(words) < 1500
    return words


@pytest.fixture
def changed(exports: dict[str, Path], tmp_path: Path) -> Callable[[Change], Path]:
    """A whole export with something changed in it."""

    def write(change: Change) -> Path:
        with safe_open(exports["safetensors"], "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            text = dict(file.metadata())
        change(tensors, text)
        save_file(tensors, tmp_path / "changed.safetensors", text)
        return tmp_path / "changed.safetensors"

    return write


def test_an_unchanged_copy_opens(changed: Callable[[Change], Path]) -> None:
    assert open_model(str(changed(lambda tensors, text: None)), "cpu").latents()


def set_json(text: dict[str, str], key: str, **values: Any) -> None:
    text[key] = json.dumps({**json.loads(text[key]), **values})


def replace_profile(text: dict[str, str], key: str, value: str) -> None:
    text["profile"], count = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text["profile"])
    assert count


LIES: dict[str, tuple[Change, str]] = {
    "of another program": (lambda tensors, text: text.pop("harmonic_vae"), "tensors of another program"),
    "of a newer version": (lambda tensors, text: text.update(harmonic_vae="2"), "newer version"),
    "a version that is no number": (lambda tensors, text: text.update(harmonic_vae="{}"), "not an exported model"),
    "no profile": (lambda tensors, text: text.pop("profile"), "not an exported model"),
    "a profile that is none": (lambda tensors, text: text.update(profile="[model]\nlatent_dim = 'x'\n"), "latent_dim"),
    "a profile without an end": (lambda tensors, text: text.update(profile="a = " + "[" * 100_000), "profile"),
    "a profile that extends": (lambda tensors, text: text.update(profile='extends = "demo"'), "extends"),
    "another size": (lambda tensors, text: replace_profile(text, "latent_dim", "9"), "instead of"),
    "a giant": (lambda tensors, text: replace_profile(text, "hidden_dims", "[16384, 16384, 16384]"), "GiB of memory"),
    "giant tables": (
        lambda tensors, text: (
            [
                replace_profile(text, "latent_dim", "65536"),
                replace_profile(text, "segment_length", "60.0"),
                replace_profile(text, "sample_rate", "96000"),
                replace_profile(text, "hop_length", "16"),
            ]
        ),
        "GiB of memory",
    ),
    "deep metadata": (lambda tensors, text: text.update(about="[" * 200_000), "not an exported model"),
    "metadata of another type": (lambda tensors, text: text.update(about="[1, 2]"), "not an exported model"),
    "a step that is text": (lambda tensors, text: set_json(text, "about", step="many"), "not an exported model"),
    "a step beyond numbers": (lambda tensors, text: set_json(text, "about", step=1e999), "not an exported model"),
    "a loud offset": (lambda tensors, text: set_json(text, "about", offset=1e30), "offset"),
    "a missing tensor": (lambda tensors, text: tensors.pop("model.band_mean"), "band_mean is missing"),
    "one too many": (lambda tensors, text: tensors.update({"model.\x1b[31mx": torch.zeros(3)}), "unknown"),
    "another type": (
        lambda tensors, text: tensors.update({"model.band_mean": tensors["model.band_mean"].double()}),
        "not of type torch.float32",
    ),
    "no numbers": (lambda tensors, text: tensors["model.band_mean"].fill_(float("nan")), "no number"),
    "huge numbers": (lambda tensors, text: tensors["model.refining.0.contract.weight"].fill_(3e38), "no numbers"),
    "places out of a table": (
        lambda tensors, text: tensors["model.principal.frequency"].fill_(10_000),
        "not an exported model",
    ),
    "latents of another size": (
        lambda tensors, text: tensors.update({"latents.mu": torch.zeros(4, 3)}),
        "latents of shape",
    ),
    "too few labels": (
        lambda tensors, text: set_json(text, "latents", labels={"genre": ["jazz"]}),
        "labels that do not belong",
    ),
    "labels of numbers": (
        lambda tensors, text: set_json(text, "latents", labels={"genre": [1] * len(tensors["latents.mu"])}),
        "labels that do not belong",
    ),
    "labels that are none": (lambda tensors, text: set_json(text, "latents", labels=7), "not an exported model"),
    "distances of nothing": (lambda tensors, text: tensors["latents.deviation"].zero_(), "say nothing"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused(changed: Callable[[Change], Path], lie: str) -> None:
    change, reason = LIES[lie]
    words = refused(changed(change))
    assert reason in words
    assert "changed.safetensors" in words
    assert "\x1b" not in words


class Trap:
    """Executed by whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize("name", ["trap.safetensors", "trap.torchscript", "trap.pt"])
def test_a_pickle_by_any_name_is_never_executed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps({"model": Trap(), "profile": "", "step": 1, "epoch": 1}))
    assert name in refused(tmp_path / name)


def test_code_in_a_torchscript_archive_is_never_executed(exports: dict[str, Path], tmp_path: Path) -> None:
    trap = tmp_path / "trap.torchscript"
    with zipfile.ZipFile(exports["torchscript"]) as before, zipfile.ZipFile(trap, "w") as after:
        for item in before.infolist():
            content = pickle.dumps(Trap()) if item.filename.endswith(".pkl") else before.read(item)
            after.writestr(item.filename, content)
    # Weights and settings are whole, and that is all that is looked at.
    assert open_model(str(trap), "cpu").trained.model.latent_dim == 8


@pytest.mark.parametrize(
    ("header", "content"),
    [
        (b'{"a":{"dtype":"F32","shape":[1000000000,1000000000],"data_offsets":[0,4]}}', b"1234"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}', b"1234"),
        (b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"1234"),
        (b'{"__metadata__":{"harmonic_vae":{"deep":1}}}', b""),
        (b"[" * 100_000, b""),
        (b"", b""),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: bytes, content: bytes) -> None:
    path = tmp_path / "lie.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + content)
    assert "lie.safetensors: not an exported model" in refused(path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.torchscript"])
def test_what_was_cut_off_is_refused(exports: dict[str, Path], tmp_path: Path, name: str) -> None:
    content = exports[name.partition(".")[2]].read_bytes()
    for length in (0, 7, 100, len(content) // 2, len(content) - 1):
        (tmp_path / name).write_bytes(content[:length])
        assert "not an exported model" in refused(tmp_path / name)
    (tmp_path / name).write_bytes(struct.pack("<Q", 2**60) + content[8:])
    if name == "model.safetensors":
        assert "not an exported model" in refused(tmp_path / name)


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return path


def test_archives_that_lead_out_or_swell_are_refused(exports: dict[str, Path], tmp_path: Path) -> None:
    whole = exports["safetensors"].read_bytes()
    member = "m/extra/harmonic_vae.safetensors"
    path = tmp_path / "a" / "x.torchscript"
    path.parent.mkdir()
    assert "lead out" in refused(archive(path, {member: whole, "../../escaped": b"out"}))
    assert not (tmp_path.parent / "escaped").exists()
    assert "lead out" in refused(archive(path, {member: whole, "/absolute": b"out"}))
    assert "holds 2" in refused(archive(path, {member: whole, "n/extra/harmonic_vae.safetensors": whole}))
    assert "holds no" in refused(archive(path, {"m/data.pkl": b""}))
    bomb = io.BytesIO(b"\0" * 50_000_000).getvalue()
    assert "compressed" in refused(archive(path, {member: bomb}, zipfile.ZIP_DEFLATED))


def test_a_graph_without_its_weights_says_where_they_lay(exports: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(exports["onnx"] / "encoder.onnx", tmp_path)
    assert "model.safetensors" in refused(tmp_path / "encoder.onnx")
    assert open_model(str(exports["onnx"] / "encoder.onnx"), "cpu").name == "model.onnx"
