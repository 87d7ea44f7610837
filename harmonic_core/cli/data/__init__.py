"""`harmonic data`: fetch music, check it, decode it, and look after what was decoded."""

from __future__ import annotations

import typer

from harmonic_core.cli.data.cache import add_to as add_cache
from harmonic_core.cli.data.download import add_to as add_download
from harmonic_core.cli.data.preprocess import add_to as add_preprocess
from harmonic_core.cli.data.validate import add_to as add_validate

app = typer.Typer(help="Fetch music, check it, decode it.", no_args_is_help=True)
add_download(app)
add_validate(app)
add_preprocess(app)
add_cache(app)
