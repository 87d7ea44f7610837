"""The model card of an export: what it is, what it was made of, how well it does, what it must not be used for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harmonic_core import __version__
from harmonic_core.run.directory import RunDirectory
from harmonic_core.run.music import Amount, Music, read_music
from harmonic_core.run.origin import read_starts
from harmonic_core.run.words import music_length
from harmonic_core.sharing.card_figures import figures
from harmonic_core.sharing.comparison import TOLERANCE, Difference
from harmonic_core.sharing.snippets import snippets
from harmonic_core.text import plain
from harmonic_core.training.trained import Trained

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~!&$])")
_MOST_GENRES = 20
_DATA_SETS = {"demo": "demo (made by the program)", "gtzan": "GTZAN", "maestro": "MAESTRO", "custom": "own audio"}
_LICENCES = {
    "demo": "The demo music is made by the program itself: nobody else has rights in it.",
    "gtzan": "GTZAN has no licence: excerpts of commercial recordings, collected for research without their owners' "
    "permission. Use a model that was trained on it for research only, and do not sell what it makes.",
    "maestro": "MAESTRO is CC BY-NC-SA 4.0: name it (Hawthorne et al. 2019), do not use it commercially, and share "
    "what is made from it under the same licence.",
    "custom": "The licence of the music was not stated by whoever exported this model. Ask before you use it.",
}
_STRICTEST = {"gtzan": ("other", "research-only"), "maestro": ("cc-by-nc-sa-4.0", "")}


@dataclass(frozen=True)
class Sheet:
    """What a card is written from.

    Attributes
    ----------
    name
        Of the model; may hold any characters.
    export_format, path
        What was written, and where.
    trained
        The model.
    run
        Whose it is; None where that is not known.
    difference
        How the export compares with the original.
    latents
        Segments of its music whose latents are inside.
    licence
        Of the data, as whoever exports it says; may hold any characters, empty where nothing was said.
    fingerprint
        SHA-256 of the weights.
    """

    name: str
    export_format: str
    path: Path
    trained: Trained
    run: RunDirectory | None
    difference: Difference
    latents: int
    licence: str
    fingerprint: str


def card(sheet: Sheet) -> str:
    """Write a model card in Markdown, with the front matter that model hubs read."""
    music = read_music(sheet.run) if sheet.run else None
    parts = _data_sets(sheet, music)
    blocks = [
        _front_matter(sheet, parts),
        f"# {escaped(sheet.name)}\n\n{_what_it_is(sheet)}",
        "\n".join(["## Data", "", *_data(sheet, music, parts)]),
        "\n".join(["## Figures", "", *_measured(sheet)]),
        "\n".join(["## Training", "", *_training(sheet)]),
        "\n".join(["## Limits", "", *_limits(sheet)]),
        snippets(sheet.export_format, sheet.path, sheet.trained.profile, escaped(sheet.path.name)),
        "\n".join(["## Check", "", *_check(sheet)]),
    ]
    return "\n\n".join(blocks) + "\n"


def escaped(text: str, limit: int = 200) -> str:
    """Text from outside on one line, without anything that Markdown or a browser obeys."""
    return _MARKUP.sub(r"\\\1", plain(text, limit))


def _front_matter(sheet: Sheet, parts: list[str]) -> str:
    licence, name = next((_STRICTEST[part] for part in _STRICTEST if part in parts), ("unknown", ""))
    if licence == "unknown" and sheet.licence:
        licence, name = "other", sheet.licence
    lines = [
        f"license: {licence}",
        # What is JSON is YAML, too.
        *([f"license_name: {json.dumps(plain(name), ensure_ascii=False)}"] if name else []),
        "library_name: harmonic-vae",
        "tags: [music, audio, variational-autoencoder, mel-spectrogram]",
        f"model_name: {json.dumps(plain(sheet.name), ensure_ascii=False)}",
    ]
    return "\n".join(["---", *lines, "---"])


def _what_it_is(sheet: Sheet) -> str:
    profile = sheet.trained.profile
    return (
        f"A variational autoencoder of music: it turns {profile.data.segment_length:g} s of sound at "
        f"{profile.audio.sample_rate} Hz into {profile.model.latent_dim} numbers and back, and makes new sound from "
        f"random ones. Trained and exported with HarmonicVAE {__version__}.\n\n"
        f"SHA-256 of the weights: `{sheet.fingerprint}`"
    )


def _data_sets(sheet: Sheet, music: Music | None) -> list[str]:
    named = sheet.trained.profile.data.dataset
    if named != "combined":
        return [named]
    sources = [source.name for source in music.sources] if music else []
    return [name for name in ("gtzan", "maestro", "custom") if not sources or name in sources]


def _data(sheet: Sheet, music: Music | None, parts: list[str]) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    yield f"| data set | {', '.join(_DATA_SETS.get(part, part) for part in parts)} |"
    if music is None:
        yield "| amount | not recorded |"
    else:
        yield f"| trained on | {_amount(music.division.training)} |"
        yield f"| held out | {_amount(music.division.validation)} |"
        if music.division.aside.tracks:
            yield f"| kept aside | {_amount(music.division.aside)} |"
        genres = [
            f"{escaped(group.name, 60)} ({music_length(group.whole.seconds)})" for group in music.genres if group.name
        ]
        more = f" and {len(genres) - _MOST_GENRES} more" if len(genres) > _MOST_GENRES else ""
        yield f"| genres | {', '.join(genres[:_MOST_GENRES]) + more if genres else 'not known'} |"
    yield ""
    for part in parts:
        if part == "custom" and sheet.licence:
            continue
        yield _LICENCES.get(part, _LICENCES["custom"])
    if sheet.licence:
        yield f"Licence of the data, as stated by whoever exported this model: {escaped(sheet.licence, 500)}"
    if sheet.latents:
        yield ""
        yield (
            f"The file holds the latents of {sheet.latents} segments of this music, from which likenesses of them can "
            "be decoded; names of files are left out."
        )


def _amount(amount: Amount) -> str:
    tracks = f"{amount.tracks} track{'' if amount.tracks == 1 else 's'}"
    return f"{tracks}, {music_length(amount.seconds)} ({amount.seconds / 3600:.2f} hours), {amount.segments} segments"


def _measured(sheet: Sheet) -> Iterator[str]:
    return figures(sheet.run, sheet.trained.step, sheet.trained.model.latent_dim)


def _training(sheet: Sheet) -> Iterator[str]:
    trained, profile = sheet.trained, sheet.trained.profile
    starts = read_starts(sheet.run) if sheet.run else []
    device, versions = (_table(starts[-1].get(key)) if starts else {} for key in ("device", "versions"))
    shown = ", ".join(
        f"{name} {escaped(str(versions[name]), 40)}" for name in ("harmonic-vae", "torch", "python") if name in versions
    )
    yield "| | |"
    yield "|---|---|"
    yield f"| epochs | {trained.epoch} |"
    yield f"| updates | {trained.step}, {profile.train.batch_size} segments each |"
    yield f"| architecture | {profile.model.architecture}, {_parameters(trained)} parameters |"
    yield (
        f"| loss | {profile.loss.reconstruction} of log-mels + beta · KL, beta {profile.loss.beta_start:g} to "
        f"{profile.loss.beta_end:g} |"
    )
    yield f"| seed | {profile.run.seed} |"
    if device:
        yield f"| device | {escaped(str(device.get('kind')), 20)}, {escaped(str(device.get('name')), 80)} |"
    if shown:
        yield f"| versions | {shown} |"


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _parameters(trained: Trained) -> str:
    count = sum(each.numel() for each in trained.model.parameters())
    return f"{count / 1e6:.2f} million" if count >= 1e5 else str(count)


def _limits(sheet: Sheet) -> Iterator[str]:
    profile = sheet.trained.profile
    yield f"- Mono, {profile.audio.sample_rate} Hz: nothing above {profile.audio.sample_rate // 2} Hz is heard or made."
    yield (
        f"- Segments of {profile.data.segment_length:g} s. Longer music is put together of them: there is no form or "
        "melody beyond a segment."
    )
    yield (
        f"- Sound becomes {profile.audio.n_mels} mel bands over {profile.audio.dynamic_range_db:g} dB and phases are "
        "found anew: timbre is blurred, and voices cannot be understood."
    )
    yield "- It knows the music that it was trained on. Other music is drawn towards that."
    yield "- Sounds can come close to the training music. Compare before you publish any."
    yield (
        "- Not for imitating a person's voice or playing to deceive, for passing off what it makes as a recording of "
        "somebody, for deciding whose music something is, or for anything that its data's licence forbids."
    )


def _check(sheet: Sheet) -> Iterator[str]:
    found = sheet.difference
    sizes = ", ".join(map(str, found.batches))
    yield f"Compared with the original on {found.sound}, in batches of {sizes}. Largest absolute differences:\n"
    yield "| output | difference |"
    yield "|---|---|"
    yield f"| mel (features) | {found.mel:.1e} |"
    yield f"| mu | {found.mu:.1e} |"
    yield f"| logvar | {found.logvar:.1e} |"
    yield f"| decoded mel | {found.decoded:.1e} |"
    yield ""
    yield f"Nothing is exported that differs by more than {TOLERANCE:g}."
