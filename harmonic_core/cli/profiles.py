"""`harmonic profiles`: what profiles there are, what they say, and what can be set in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harmonic_core.profile.explain import FieldExplanation
    from harmonic_core.profile.resolve import Resolved

app = typer.Typer(no_args_is_help=True, help="Profiles: what there is, what they say, and what can be set in them.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_profiles(as_json: AsJson = False) -> None:
    """List the profiles that can be named, and where they come from."""
    from harmonic_core.profile.search import available
    from harmonic_core.profile.words import shown_path
    from harmonic_core.text import plain

    listings = available()
    if as_json:
        rows = [{**vars(each), "path": str(each.path.absolute())} for each in listings]
        typer.echo(json.dumps(rows, indent=2))
        return
    if not listings:
        typer.echo("There are no profiles. Put one into ./profiles, or give a file such as ./mine.toml.", err=True)
    cells = [(plain(each.name), each.origin, each.dataset or "?") for each in listings]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for each, row in zip(listings, cells, strict=True):
        text = plain(each.description, limit=200)
        if each.error:
            reason = plain(each.error.splitlines()[-1].strip(), limit=200)
            text = f"cannot be used: {reason} (harmonic profiles show {shown_path(each.path)})"
        columns = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(f"{columns}  {text}".rstrip())


@app.command()
def show(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Name or path of a profile, or a config.json.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set something; can be given many times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a profile as it would run, with where each value comes from."""
    from harmonic_core.profile.checks import findings
    from harmonic_core.profile.resolve import resolve

    resolved = resolve(profile, settings=settings or (), check=False)
    for warning in resolved.warnings:
        typer.echo(warning, err=True)
    for finding in findings(resolved.profile):
        typer.echo(f"To train with it, mend this: {finding.message}.", err=True)
    typer.echo(_as_json(resolved) if as_json else _as_toml(resolved))


@app.command()
def explain(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="A setting, such as learning_rate, or a section, such as train.")
    ] = None,
) -> None:
    """Say what a setting does, what it takes and how to set it; without KEY, list them all."""
    from harmonic_core.errors import ProfileError
    from harmonic_core.profile.explain import field as explain_field
    from harmonic_core.profile.explain import fields, find_key, sections, suggest
    from harmonic_core.profile.words import shown

    found = find_key(key) if key else None
    explanation = explain_field(found) if found else None
    if explanation is not None:
        typer.echo(_in_full(explanation))
        return
    if key is not None and key not in sections():
        suggestion = suggest(key)
        raise ProfileError(f"{shown(key)}: {suggestion}{'' if suggestion.endswith('?') else '.'}")
    for section, model in sections().items():
        if key is None or key == section:
            typer.echo(f"[{section}]  {model.__doc__ or ''}")
            for each in fields():
                if each.section == section:
                    typer.echo(f"  {each.leaf:<20} {each.allowed}; default: {each.default_text}")
            typer.echo()


@app.command()
def schema() -> None:
    """Print the JSON Schema of a profile, for editors that complete and check TOML."""
    from harmonic_core.profile.sections import Profile

    content = Profile.model_json_schema()
    extends = {
        "type": "string",
        "description": "Name or path of a profile that holds where this one is silent.",
    }
    content["properties"] = {"extends": extends, **content["properties"]}
    typer.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **content}, indent=2))


@app.command()
def path(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="Name of a profile.")],
) -> None:
    """Print where a profile's file is."""
    from harmonic_core.profile.search import find
    from harmonic_core.text import plain

    typer.echo(plain(str(find(profile).absolute()), limit=4096))


def _as_toml(resolved: Resolved) -> str:
    """Every setting as valid TOML, origins aligned behind it, settings without a value as comments."""
    from harmonic_core.profile.explain import fields
    from harmonic_core.profile.resolve import DEFAULT
    from harmonic_core.profile.write import line_of

    lines: list[tuple[str, str]] = []
    section = ""
    for each in fields():
        if each.section != section:
            section = each.section
            lines += [("", ""), (f"[{section}]", "")] if lines else [(f"[{section}]", "")]
        value = getattr(getattr(resolved.profile, section), each.leaf)
        origin = resolved.origins[each.key]
        if value is None:
            lines.append((f"# {each.leaf} is not set", "" if origin == DEFAULT else origin))
        else:
            lines.append((line_of(each.leaf, value), origin))
    # A long description would push all origins off the screen.
    width = max(len(line) for line, _ in lines if len(line) <= 48)
    shown = [f"{line:<{width}}  # {origin}" if origin else line for line, origin in lines]
    computed = [f"# {name} = {value}" for name, value in _computed(resolved).items()]
    return "\n".join([*shown, "", "# Computed from these:", *computed])


def _as_json(resolved: Resolved) -> str:
    content = {
        "name": resolved.name,
        "profile": resolved.profile.model_dump(mode="json"),
        "origins": resolved.origins,
        "computed": _computed(resolved),
        "warnings": resolved.warnings,
    }
    return json.dumps(content, indent=2)


def _computed(resolved: Resolved) -> dict[str, object]:
    profile = resolved.profile
    return {
        "segment_frames": profile.segment_frames,
        "input_dim": profile.input_dim,
        "hidden_dims": list(profile.hidden_dims),
    }


def _in_full(explanation: FieldExplanation) -> str:
    rows = {
        "takes": explanation.allowed,
        "default": explanation.default_text,
        "profile": f"[{explanation.section}] {explanation.leaf} = …",
        "flag": explanation.flag,
        "setting": f"--set {explanation.key}=…",
        "environment": explanation.env,
    }
    return "\n".join(
        [explanation.key, f"  {explanation.doc}", *(f"  {name:<12} {text}" for name, text in rows.items() if text)]
    )
