"""Opening what was exported: tensors and text are read, and nothing of a file is ever executed.

All formats hold the same safetensors document: a file by itself, a member of a TorchScript archive, or beside the
graphs of ONNX. A file from elsewhere may say anything: what it holds is compared with the model that its profile asks
for before memory is taken for it.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from harmonic_core.audio.features import LogMel
from harmonic_core.errors import DiskError, HarmonicError, ProfileError, RunError
from harmonic_core.model.build import build_model
from harmonic_core.model.refiner import Refiner
from harmonic_core.model.vae import VAE
from harmonic_core.profile.resolve import put_together
from harmonic_core.profile.sections import Profile
from harmonic_core.profile.toml_file import read_recorded
from harmonic_core.run.atomic import lacks_room
from harmonic_core.sharing.contents import LATENTS, MARK, MODEL, VERSION, VOCODER, expected
from harmonic_core.sharing.latents import Latents
from harmonic_core.text import plain
from harmonic_core.training.device import choose_device
from harmonic_core.training.trained import Trained
from harmonic_core.training.weights import misfits, other_model

DOCUMENT = "model.safetensors"
"""The document in an ONNX export's folder."""
MEMBER = "harmonic_vae.safetensors"
"""The document in a TorchScript archive, among its extra files."""
GRAPHS = ("features.onnx", "encoder.onnx", "decoder.onnx")

_MEMBER = re.compile(rf"[^/]+/extra/{re.escape(MEMBER)}")
_LARGEST = 2**31
"""Bytes of a model with all its tables, or of one spectrum of a segment, that are still believed."""
_MOST_OFFSET = 4.0
_TYPES = {"F32": torch.float32, "I64": torch.int64}
_NEXT = "export it again from its run with `harmonic export`, or fetch it anew"
_UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, RecursionError, ArithmeticError)
"""What believing a file may end in."""


class Exported(NamedTuple):
    """A model from a file."""

    trained: Trained
    latents: Latents | None
    """None where it was given away without."""
    offset: float | None
    """What to add to its mels for them to be as loud as music; None where that is not known."""


def is_export(path: Path) -> bool:
    """Tell whether a file or folder is meant to be an exported model, by its name or what it holds; whole or not."""
    if path.is_dir():
        return (path / DOCUMENT).is_file() and any((path / graph).is_file() for graph in GRAPHS)
    if not path.is_file():
        return False
    return path.suffix in {".safetensors", ".onnx", ".torchscript"} or _has_member(path)


def read_exported(path: Path, device: str | None = None) -> Exported:
    """Read an exported model.

    Parameters
    ----------
    path
        A `.safetensors` file, a TorchScript archive, the folder of an ONNX export or a file in it.
    device
        Where to compute. Default: what the profile says.

    Raises
    ------
    RunError
        If it is something else, damaged, of a newer version, or lies; the message says which.
    DiskError
        If it cannot be read.
    """
    shown = plain(str(path))
    try:
        with _document(path) as document, _sayable(document) as named, safe_open(named, framework="pt") as file:
            return _read(file, path, device)
    except HarmonicError:
        raise
    except OSError as error:
        if lacks_room(error) or isinstance(error, PermissionError):
            raise DiskError(f"{shown}: cannot be read: {error.strerror or error}") from error
        raise _refusal(path, error) from error
    except (SafetensorError, zipfile.BadZipFile, *_UNUSABLE) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> RunError:
    words = str(error).strip() or type(error).__name__
    return RunError(
        f"{plain(str(path))}: not an exported model of this program, or damaged ({plain(words.splitlines()[0], 160)}); "
        f"{_NEXT}"
    )


@contextmanager
def _document(path: Path) -> Iterator[Path]:
    """The safetensors document of an export, as a file."""
    if path.is_dir() or path.suffix == ".onnx":
        folder = path if path.is_dir() else path.parent
        if not (folder / DOCUMENT).is_file():
            raise RunError(
                f"{plain(str(path))}: a graph alone; its weights and settings are in the {DOCUMENT} that lay beside it"
            )
        yield folder / DOCUMENT
    elif path.suffix == ".safetensors" or not zipfile.is_zipfile(path):
        yield path
    else:
        with tempfile.TemporaryDirectory(prefix="harmonic-opened-") as place:
            copy = Path(place) / MEMBER
            with zipfile.ZipFile(path) as archive, archive.open(_member(archive)) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield copy


@contextmanager
def _sayable(path: Path) -> Iterator[Path]:
    """A file by a name that is text: what reads safetensors takes no other."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        is_text = False
    else:
        is_text = True
    if is_text:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="harmonic-opened-") as place:
        link = Path(place) / MEMBER
        link.symlink_to(path.absolute())
        yield link


def _has_member(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(_MEMBER.fullmatch(name) for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, *_UNUSABLE):
        return False


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if any(name.startswith("/") or ".." in name.split("/") for name in archive.namelist()):
        raise ValueError("the archive holds names that lead out of it")
    found = [each for each in members if _MEMBER.fullmatch(each.filename)]
    if len(found) != 1:
        raise ValueError(f"the archive holds {len(found) or 'no'} {MEMBER}")
    # Written uncompressed; then it is no larger than the archive.
    if found[0].compress_type != zipfile.ZIP_STORED or found[0].file_size != found[0].compress_size:
        raise ValueError(f"{MEMBER} is compressed in the archive")
    return found[0]


def _read(file: Any, path: Path, device: str | None) -> Exported:
    shown = plain(str(path))
    text = file.metadata() or {}
    _insist_on_version(text, shown)
    profile = _profile(text["profile"], path)
    about = json.loads(text["about"])
    step, epoch, offset = int(about["step"]), int(about["epoch"]), about["offset"]
    if offset is not None and not -_MOST_OFFSET <= float(offset) <= _MOST_OFFSET:
        raise ValueError(f"an offset of {offset}")
    names = list(file.keys())
    wanted, has_vocoder = _wanted(profile, any(name.startswith(VOCODER) for name in names))
    given = {name: _shape_and_type(file, name) for name in names if not name.startswith(LATENTS)}
    shapes = [{name: shape for name, (shape, _) in each.items()} for each in (wanted, given)]
    # Before any is read: tensors may be larger than memory.
    if differences := misfits(*shapes):
        raise other_model(shown, differences)
    if wrong := [name for name, (_, dtype) in wanted.items() if given[name][1] != dtype]:
        raise ValueError(f"{wrong[0]} is not of type {wanted[wrong[0]][1]}")
    with torch.random.fork_rng(devices=[]):
        model = build_model(profile.model, profile.audio, profile.segment_frames)
        refiner = Refiner(profile.audio.n_mels, profile.audio.n_fft // 2 + 1) if has_vocoder else None
    model.load_state_dict(_tensors(file, MODEL, names))
    if refiner is not None:
        refiner.load_state_dict(_tensors(file, VOCODER, names))
    _try_out(model.eval())
    latents = _latents(file, text, names, model.latent_dim, offset) if "latents" in text else None
    place = choose_device(device or profile.run.device)[0]
    features = LogMel(profile.audio).to(place)
    refine = refiner.to(place) if refiner is not None else None
    trained = Trained(profile, model.to(place), features, refine, str(path), step, epoch)
    return Exported(trained, latents, None if offset is None else float(offset))


def _insist_on_version(text: Mapping[str, str], shown: str) -> None:
    if MARK not in text:
        raise ValueError("tensors of another program")
    if int(text[MARK]) > VERSION:
        raise RunError(
            f"{shown}: exported by a newer version of this program (layout {plain(text[MARK], 20)}, this one reads "
            f"{VERSION}); upgrade, or export it again with this version"
        )


def _profile(text: str, path: Path) -> Profile:
    try:
        return put_together("its profile", [read_recorded(text, "its profile")])
    except ProfileError as error:
        # Nothing that was typed is wrong, but the file.
        raise ValueError(" ".join(str(error).split())) from None


def _wanted(profile: Profile, has_vocoder: bool) -> tuple[dict[str, tuple[tuple[int, ...], torch.dtype]], bool]:
    """Every tensor that the model of a profile has, found out without taking memory for one."""
    bins = profile.audio.n_fft // 2 + 1
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = build_model(profile.model, profile.audio, profile.segment_frames)
        refiner = Refiner(profile.audio.n_mels, bins)
    everything = [*model.parameters(), *model.buffers()]
    largest = max(sum(each.nbytes for each in everything), 4 * profile.segment_frames * bins)
    if largest > _LARGEST:
        raise ValueError(f"a model that takes {largest / 2**30:.0f} GiB of memory")
    wanted = expected(model, MODEL)
    return (wanted | expected(refiner, VOCODER) if has_vocoder else wanted), has_vocoder


def _shape_and_type(file: Any, name: str) -> tuple[tuple[int, ...], torch.dtype | None]:
    found = file.get_slice(name)
    return tuple(found.get_shape()), _TYPES.get(found.get_dtype())


def _tensors(file: Any, prefix: str, names: list[str]) -> dict[str, Tensor]:
    found = {name.removeprefix(prefix): file.get_tensor(name) for name in names if name.startswith(prefix)}
    for name, tensor in found.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{prefix}{name} holds what is no number")
    return found


@torch.no_grad()
def _try_out(model: VAE) -> None:
    """Let a model compute once: numbers that are right one by one may still lead nowhere, such as places in a table."""
    mel = model.decode(torch.zeros(1, model.latent_dim))
    posterior = model.encode(mel)
    if not all(each.isfinite().all() for each in (mel, *posterior)):
        raise ValueError("its weights give no numbers")


def _latents(file: Any, text: Mapping[str, str], names: list[str], latent_dim: int, offset: object) -> Latents:
    known = json.loads(text["latents"])
    shape, dtype = _shape_and_type(file, LATENTS + "mu")
    if len(shape) != 2 or shape[1] != latent_dim or dtype != torch.float32:
        raise ValueError(f"latents of shape {shape}")
    if _shape_and_type(file, LATENTS + "deviation") != ((latent_dim,), torch.float32):
        raise ValueError("deviations of another shape than the latent")
    found = _tensors(file, LATENTS, [name for name in names if name in {LATENTS + "mu", LATENTS + "deviation"}])
    labels, estimated = known["labels"], known["estimated"]
    for values in labels.values():
        if not isinstance(values, list) or [type(value) for value in values] != [str] * shape[0]:
            raise ValueError("labels that do not belong to its latents")
    if not shape[0] or not (found["deviation"] > 0).all() or not isinstance(offset, int | float):
        raise ValueError("latents that say nothing")
    return Latents(found["mu"], found["deviation"], labels, frozenset(map(str, estimated)), float(offset))
