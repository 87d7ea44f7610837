"""Giving a model away: written beside its place, compared with the original, and only then moved there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harmonic_core.errors import DiskError, HarmonicError, RunError
from harmonic_core.sharing.card import Sheet, card
from harmonic_core.sharing.comparison import TOLERANCE, Difference, Sound, compare, sound_to_compare
from harmonic_core.sharing.contents import Contents, contents_of
from harmonic_core.sharing.exported import DOCUMENT, MEMBER, is_export, read_exported
from harmonic_core.sharing.graphs import Graph, insist_on_onnx, onnx_graphs, torchscript, with_files
from harmonic_core.sharing.latents import latents_in
from harmonic_core.sharing.opened import Opened, fingerprint, open_model
from harmonic_core.sharing.placing import CARD, Format, aside, insist_on_place, put, target_of
from harmonic_core.text import plain
from harmonic_core.training.material import Material, prepare_material
from harmonic_core.training.narrator import Narrator
from harmonic_core.training.replay import Watch
from harmonic_core.training.signals import StoppedError


@dataclass(frozen=True)
class Written:
    """What was exported.

    Attributes
    ----------
    path, card
        The file, or for ONNX the folder, and its model card.
    size
        Bytes of all of it.
    difference
        How it compares with the original.
    latents
        Segments of its music whose latents are inside.
    fingerprint
        SHA-256 of the weights.
    """

    path: Path
    card: Path
    size: int
    difference: Difference
    latents: int
    fingerprint: str


def export(
    name: str,
    export_format: Format,
    output: Path | None = None,
    *,
    force: bool = False,
    with_latents: bool = True,
    licence: str = "",
    tell: Callable[[str], None],
    watch: Watch,
    stopped: Callable[[], bool] = lambda: False,
) -> Written:
    """Export a model.

    Parameters
    ----------
    name
        A run, a checkpoint or a `.pt` of a run.
    export_format
        What to write.
    output
        Where to; a folder that is there gets the export inside. Default: named after the model, in the working folder.
    force
        Whether an export that is there is replaced.
    with_latents
        Whether what is known of its music is given away with it, where that music is at hand.
    licence
        Of the music, for the card.
    tell, watch
        Get to know what goes on.
    stopped
        Asked now and then.

    Raises
    ------
    HarmonicError
        If there are no weights, the place is taken or cannot be written, or the export is not what the model was.
    StoppedError
        If `stopped` says so. Nothing is left then.
    """
    if export_format == "onnx":
        insist_on_onnx()
    opened = open_model(name, "cpu")
    if is_export(Path(name)):
        raise RunError(f"{plain(name)}: exported already; name the run that it comes from to export it otherwise")
    trained = opened.trained
    if not all(tensor.isfinite().all() for tensor in trained.model.state_dict().values()):
        raise RunError(f"{plain(name)}: the weights of step {trained.step} are no numbers: the run diverged before")
    try:
        target = target_of(output, opened.name, export_format)
        insist_on_place(target, export_format, force=force)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DiskError(f"{plain(str(output or opened.name))}: cannot be written: {reason}") from error
    material = _music(opened, tell, watch, stopped)
    latents = latents_in(trained, material, stopped=stopped) if material is not None else None
    given = latents if with_latents else None
    contents = contents_of(trained, opened.name, opened.fingerprint, given, latents.offset if latents else None)
    sound = sound_to_compare(trained.profile, material)
    graph = Graph(trained.model, trained.features).eval()
    tell(f"writing {export_format}")
    with aside(target) as place:
        built = _build(export_format, graph, torch.from_numpy(sound.samples))
        _go_on(stopped)
        _write(place, export_format, built, contents)
        tell(f"comparing it with the original on {sound.origin}")
        difference = _compare(graph, place, export_format, sound)
        if difference.largest > TOLERANCE:
            raise HarmonicError(
                f"{plain(str(target))}: not written: it would differ from the original by {difference.largest:.1e}, "
                f"more than {TOLERANCE:g}; try another --format"
            )
        count = len(given.mu) if given is not None else 0
        sheet = Sheet(
            opened.name, export_format, target, trained, opened.run, difference, count, licence, opened.fingerprint
        )
        words = card(sheet)
        size = _write(place, export_format, built, contents.with_card(words))
        if fingerprint(read_exported(place, "cpu").trained) != opened.fingerprint:
            raise HarmonicError(f"{plain(str(target))}: not written: its weights do not read back as they are")
        _go_on(stopped)
        written_card = put(place, target, export_format, words)
    return Written(target, written_card, size + len(words.encode()), difference, count, opened.fingerprint)


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise StoppedError


def _music(opened: Opened, tell: Callable[[str], None], watch: Watch, stopped: Callable[[], bool]) -> Material | None:
    """The music of a model's run; None where it is not at hand, which is told."""
    trouble = "the file does not say of which run it is"
    if opened.run is not None:
        try:
            with Narrator(opened.run, tell, watch) as narrator:
                material = prepare_material(opened.trained.profile, narrator, stopped)
        except HarmonicError as error:
            trouble = str(error)
        else:
            if material is None:
                raise StoppedError
            return material
    tell(f"exported without what is known of its music, so without genres: {trouble}")
    return None


def _build(export_format: Format, graph: Graph, samples: torch.Tensor) -> Any:
    """What takes long: the graphs of a format, without settings and card."""
    try:
        if export_format == "onnx":
            return onnx_graphs(graph, samples)
        return torchscript(graph, samples) if export_format == "torchscript" else None
    except (RuntimeError, ValueError, TypeError, LookupError) as error:
        reason = plain((str(error).strip() or type(error).__name__).splitlines()[0], 160)
        raise HarmonicError(
            f"this model cannot be written as {export_format} by this torch ({reason}); export safetensors"
        ) from error


def _compare(graph: Graph, place: Path, export_format: Format, sound: Sound) -> Difference:
    try:
        return compare(graph, place, export_format, sound)
    except HarmonicError:
        raise
    except Exception as error:
        # The errors of onnxruntime have no name in common.
        reason = plain((str(error).strip() or type(error).__name__).splitlines()[0], 160)
        raise HarmonicError(f"{export_format}: not written: it does not run here ({reason})") from error


def _write(place: Path, export_format: Format, built: Any, contents: Contents) -> int:
    """Write an export, or write it again; gives the bytes."""
    if export_format == "safetensors":
        return place.write_bytes(contents.document())
    if export_format == "torchscript":
        texts = {"features.json": contents.metadata["features"], "profile.toml": contents.metadata["profile"]}
        texts[CARD] = contents.metadata.get("card", "")
        files = {MEMBER: contents.document(), **{name: text.encode() for name, text in texts.items()}}
        return place.write_bytes(with_files(built, files))
    import onnx

    place.mkdir(exist_ok=True)
    told = {key: text for key, text in contents.metadata.items() if key != "latents"}
    size = (place / DOCUMENT).write_bytes(contents.document())
    for name, proto in built.items():
        del proto.metadata_props[:]
        onnx.helper.set_model_props(proto, {**told, "part": name})
        size += (place / f"{name}.onnx").write_bytes(proto.SerializeToString())
    return size
