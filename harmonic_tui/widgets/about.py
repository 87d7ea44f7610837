"""What is chosen in the lists of profiles and runs, said in full."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from harmonic_core.run.words import duration
from harmonic_tui.curves.sparks import spark
from harmonic_tui.plain import plain
from harmonic_tui.profiles.profiles_seen import ProfileSeen
from harmonic_tui.profiles.readiness import hardware, needs
from harmonic_tui.runs.runs_seen import RunSeen
from harmonic_tui.widgets.run_list import how_far
from harmonic_tui.wording import Mark, figure, state_mark

READINESS: dict[str, Mark] = {
    "ready": Mark("✓", "ready", "good"),
    "partly": Mark("◐", "partly decoded", "good"),
    "missing": Mark("!", "missing", "look"),
}
_PARTS = "   "
_ROOMY = 100
"""Columns from which the curve is shown beside its best figure."""


class About(Static):
    """A few lines on a profile or a run."""

    def on_mount(self) -> None:
        """Show the frame before anything is known."""
        self.border_title = Content("About")

    def tell_profile(self, seen: ProfileSeen | None) -> None:
        """What a profile is for, what it needs, whether that is there."""
        if seen is None:
            self._show("About", [])
            return
        lines = [Content(plain(seen.listing.description) or "no description")]
        profile, found = seen.profile, seen.readiness
        if profile is None:
            # The first line says that it cannot be used, the others why.
            reasons = (seen.listing.error or "").splitlines()
            lines = [Content.styled(plain(line.strip()), "$bad") for line in reasons]
        else:
            machine = hardware(profile) or "any device"
            lines.append(Content.styled(f"needs {needs(profile.data)}{_PARTS}{machine}", "$muted"))
            sizes = (
                f"{profile.data.segment_length:g} s segments",
                f"latent of {profile.model.latent_dim}",
                f"{profile.train.epochs} epochs",
                f"batches of {profile.train.batch_size}",
            )
            lines.append(Content.styled(", ".join(sizes), "$muted"))
        if found is not None:
            mark = READINESS[found.state]
            lines.append(Content.styled(f"{mark.sign} data: {plain(found.words)}", f"${mark.hue}"))
            if found.way_out:
                lines.append(Content.styled(plain(found.way_out), "$look"))
        if seen.changes:
            lines.append(Content.styled(f"● {changes(seen.changes)} kept: n or Enter goes on with them", "$look"))
        self._show(f"About {plain(seen.listing.name, 40)}", lines)

    def tell_run(self, seen: RunSeen | None, curve: tuple[float, ...]) -> None:
        """How a run is, its best figure, and how it came there."""
        if seen is None:
            self._show("About", [])
            return
        status = seen.status
        mark = state_mark(seen.state, status.why if status else "")
        lines = [
            Content.assemble(Content.styled(f"{mark.sign} {mark.word}", f"${mark.hue}"), f"{_PARTS}{how_far(seen)}")
        ]
        if status is None:
            lines.append(Content.styled("it has not told anything yet, or nothing that can be read", "$muted"))
        else:
            if status.best:
                lines.append(self._best(seen, curve))
            if status.verdict:
                lines.append(Content(plain(status.verdict.sentence)))
            where = [f"profile {plain(status.profile, 40)}"] if status.profile else []
            where += [plain(status.device.name or status.device.kind, 40)]
            if status.eta_s is not None and seen.state == "training":
                where.append(f"{duration(status.eta_s)} left")
            lines.append(Content.styled(_PARTS.join([*where, plain(str(seen.run.path), 100)]), "$muted"))
        self._show(f"About {plain(seen.run.name, 40)}", lines)

    def _best(self, seen: RunSeen, curve: tuple[float, ...]) -> Content:
        assert seen.status is not None
        best, mean = seen.status.best, seen.status.mean_spectrum_db
        assert best is not None
        beaten = f", the mean spectrum's {figure(mean)}" if mean is not None else ""
        return Content.assemble(
            f"best held-out error {figure(best.val_recon_db)} dB at epoch {best.epoch}{beaten}{_PARTS}",
            Content.styled(spark(curve, 24) if self.size.width >= _ROOMY else "", "$validation"),
        )

    def _show(self, title: str, lines: list[Content]) -> None:
        self.border_title = Content(title)
        self.update(Content("\n").join(lines), layout=False)


def changes(number: int) -> str:
    """`1 change`, `3 changes`."""
    return f"{number} change" if number == 1 else f"{number} changes"
