"""`harmonic generate`, `interpolate`, `blend`, `reconstruct`, `encode`, `decode` and `visualize`."""

from __future__ import annotations

import typer

from harmonic_core.cli.create import change, generate, interpolate, latents, visualize


def add_to(app: typer.Typer) -> None:
    """Add the verbs to a command line."""
    app.command("generate")(generate.generate)
    app.command("interpolate")(interpolate.interpolate)
    app.command("blend")(change.blend)
    app.command("reconstruct")(change.reconstruct)
    app.command("encode")(latents.encode)
    app.command("decode")(latents.decode)
    app.command("visualize")(visualize.visualize)
