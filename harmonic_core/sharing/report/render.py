"""The template of the page filled in: escaped throughout, and with a policy that lets nothing out and nothing in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from harmonic_core.sharing.report.shareable import Shareable

GENERATOR = "HarmonicVAE report"
"""What the file says of who made it."""

_PAGE = Path(__file__).parent / "page"
_CODE = re.compile("`([^`]+)`")
"""What stands between is a command."""


def render(context: Mapping[str, Any], shareable: Shareable) -> bytes:
    """The page as a file.

    Parameters
    ----------
    context
        What the template names.
    shareable
        Everything that is written goes through it.
    """

    def fit(value: Any) -> Any:
        # What the template itself made of escaped parts is of another type.
        return shareable(value) if type(value) is str else value

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # Nothing gets onto the page that is more than text, whoever forgot to look at it.
        finalize=fit,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    environment.filters["parts"] = lambda text: [
        (bool(number % 2), part) for number, part in enumerate(_CODE.split(str(text))) if part
    ]
    css, script = ((_PAGE / name).read_text("utf-8") for name in ("report.css", "report.js"))
    text = environment.get_template("report.html").render(
        **context,
        css=css,
        script=script,
        generator=GENERATOR,
        policy=_policy(css, script),
        data={"charts": context["charts_data"], "epochs": context["epochs_data"], "strip": context["strip_data"]},
    )
    return text.encode()


def _policy(css: str, script: str) -> str:
    """Nothing but what is in the file, and of programs and styles only the very ones that belong to it."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "media-src data:",
            f"style-src {_hash_of(css)}",
            f"script-src {_hash_of(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
