"""What a setting does, and what was changed: the side of the form for a new run."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from harmonic_core.profile.draft import Draft, text_of
from harmonic_core.profile.explain import FieldExplanation, Key
from harmonic_core.profile.explain import field as explain_field
from harmonic_core.profile.layers import Problem
from harmonic_core.profile.resolve import DEFAULT
from harmonic_tui.plain import plain
from harmonic_tui.widgets.setting import shown_value


class Explained(Static):
    """The setting on which one is: what it does, what it takes, where its value comes from."""

    def tell(self, draft: Draft, field: FieldExplanation | None) -> None:
        """Explain a setting."""
        if field is None:
            self.border_title = Content("No setting chosen")
            self.update(Content.styled("What the chosen setting does is said here.", "$muted"), layout=False)
            return
        key: Key = (field.section, field.leaf)
        self.border_title = Content(field.key)
        origin = draft.origin(key)
        facts = [Content.styled(_first_upper(field.allowed), "bold")]
        facts.append(Content.assemble(Content.styled("default ", "$muted"), field.default_text))
        if origin != DEFAULT:
            value = plain(shown_value(field, text_of(key, draft.base_value(key))), 60)
            facts.append(
                Content.assemble(
                    Content.styled("profile ", "$muted"), value, Content.styled(f"   {plain(origin, 60)}", "$muted")
                )
            )
        doc = Content(_ended(field.doc))
        ways = f"--set {field.key}=…   {field.env}" + (f"   {field.flag}" if field.flag else "")
        if self.size.height > 7:
            lines = [doc, Content(""), *facts, Content(""), Content.styled(ways, "$faint")]
        else:
            # Where there is little room, what is asked for comes before where it stands.
            lines = [Content("   ").join(facts).truncate(max(20, self.size.width), ellipsis=True), doc]
        # Its size is given: to arrange everything anew for every key would be slow.
        self.update(Content("\n").join(lines), layout=False)


class Changes(Static):
    """Every change, old and new: the difference between the profile and what would start."""

    _lines = 0

    def tell(self, draft: Draft) -> None:
        """Show what differs."""
        lines = []
        for name, text in draft.texts.items():
            section, _, leaf = name.partition(".")
            key = (section, leaf)
            field = explain_field(key)
            assert field is not None
            before = plain(shown_value(field, text_of(key, draft.base_value(key))), 40)
            after = plain(shown_value(field, text), 40)
            hue = "$bad" if draft.is_invalid(key) else "$good"
            sign = "✗" if draft.is_invalid(key) else "+"
            lines.append(Content.styled(name, "bold"))
            lines.append(Content.styled(f"  − {before}", "$muted"))
            lines.append(Content.styled(f"  {sign} {after}", hue))
        if not lines:
            lines = [Content.styled("What you change is shown here, as it was and as it is.", "$muted")]
        self.update(Content("\n").join(lines), layout=len(lines) != self._lines)
        self._lines = len(lines)


def reason(problem: Problem, more: int = 0) -> str:
    """A problem on one line: the setting, its value, why not, and how many others there are.

    Parameters
    ----------
    more
        Number of other problems.
    """
    first = problem.lines()[0].partition(": ")[2]
    others = f"   and {more} more" if more else ""
    return plain(f"{first}: {problem.message}{others}", 400)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
