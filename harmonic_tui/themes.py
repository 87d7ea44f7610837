"""One dark and one light theme, and the hues that mean the same on every screen."""

from __future__ import annotations

from textual.theme import Theme

_DARK_HUES = {
    "train": "#7f93cf",
    "validation": "#5fd0bb",
    "kl": "#b793ee",
    "beta": "#c9c07c",
    "original": "#7fb7ea",
    "decoded": "#9aa5b5",
    "reconstruction": "#e69abb",
    "good": "#86c06f",
    "look": "#e5aa52",
    "bad": "#ea6f72",
    "faint": "#566172",
    "ticks": "#8a96a8",
    "muted": "#98a3b3",
}
_LIGHT_HUES = {
    "train": "#5467b5",
    "validation": "#0d8472",
    "kl": "#7b4dc4",
    "beta": "#857a1e",
    "original": "#2173b8",
    "decoded": "#667080",
    "reconstruction": "#b8437a",
    "good": "#3f8128",
    "look": "#a8670a",
    "bad": "#c22f34",
    "faint": "#9aa3ae",
    "ticks": "#6b7480",
    "muted": "#5f6873",
}

DEFAULT_HUES = _DARK_HUES
"""For themes that are not ours and so do not name them."""

DARK = Theme(
    name="harmonic-dark",
    dark=True,
    primary="#7fa7d9",
    secondary="#5fd0bb",
    accent="#b793ee",
    warning=_DARK_HUES["look"],
    error=_DARK_HUES["bad"],
    success=_DARK_HUES["good"],
    foreground="#d5dbe4",
    background="#11151b",
    surface="#161b22",
    panel="#1d242e",
    variables={
        **_DARK_HUES,
        "border": "#39465a",
        "border-blurred": "#2b3544",
        "footer-key-foreground": "#7fa7d9",
        "footer-background": "#11151b",
        "footer-description-foreground": "#97a3b4",
        "block-cursor-background": "#2a3a52",
        "block-cursor-foreground": "#eef2f7",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1d242e",
        "scrollbar": "#2b3544",
        "scrollbar-background": "#161b22",
    },
)

LIGHT = Theme(
    name="harmonic-light",
    dark=False,
    primary="#2f66a6",
    secondary="#0d8472",
    accent="#7b4dc4",
    warning=_LIGHT_HUES["look"],
    error=_LIGHT_HUES["bad"],
    success=_LIGHT_HUES["good"],
    foreground="#242b35",
    background="#fbfaf7",
    surface="#f4f2ed",
    panel="#e9e6df",
    variables={
        **_LIGHT_HUES,
        "border": "#b9bfc8",
        "border-blurred": "#d3d6db",
        "footer-key-foreground": "#2f66a6",
        "footer-background": "#fbfaf7",
        "footer-description-foreground": "#5d6773",
        "block-cursor-background": "#d5e2f2",
        "block-cursor-foreground": "#1a212b",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e9e6df",
        "scrollbar": "#c9cdd3",
        "scrollbar-background": "#f4f2ed",
    },
)
