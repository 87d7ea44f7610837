"""A verdict in words on how a run goes: pure functions of the figures of its closed epochs.

What must be heard first is judged first: figures that are no numbers, then a latent that says nothing, then learning by
heart, then sounds that cannot be drawn, then sounds that are noise; only then whether it is worth going on. Of a run of
a few epochs nothing can be said but that it diverged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harmonic_core.evaluation.advice import (
    figure,
    go_on,
    lower_beta,
    lower_learning_rate,
    more_variety,
    raise_beta,
    train_longer,
)
from harmonic_core.evaluation.learning_curve import LEAST_GAIN, broken, closed_epochs, finite, latest
from harmonic_core.evaluation.standing import EARLY_EPOCHS, TREND_EPOCHS, Standing
from harmonic_core.profile.sections import Augment, Loss, Train
from harmonic_core.run.records import Row
from harmonic_core.run.status import ACTIVE_STATES, State, Verdict, VerdictKind

EXPLODED = 100.0
"""Error, as a multiple of the mean spectrum's, that tells of weights that have run away. A clumsy model in its first
epoch makes six times it and learns all the same; one that has run away, a million times and more."""
EXPLODED_DB = 1000.0
"""The same where the mean spectrum's error is not known: several times the largest dynamic range of a profile."""

COLLAPSED_SHARE = 0.1
"""Share of active units below which a latent may have collapsed."""
COLLAPSED_NATS = 1.0
"""Nats a segment below which it may have, too: e^1, not three kinds of segment."""
COLLAPSED_ERROR = 0.85
"""Share of the mean spectrum's error that shows that it has. With a low error both are no fault: simple music needs no
more."""
MOSTLY_ACTIVE = 0.8
"""Share of active units from which on a low KL is no collapse: every unit says a little, and beta may be too high."""
SILENT_NATS = 0.1
"""Nats a segment below which the latent says nothing, whatever the error."""

WORSE = 0.02
"""Rise of the error above its best that is told at all, as a share; less cannot be heard."""
WORSE_IN_NOISE = 3.5
"""Or so many times the curve's noise, where that is more: the best of many points lies well below a level curve."""
OVERFIT_FALL = 0.01
"""Fall of the training error while the held-out one rose: without it the run got worse as a whole, another fault."""
BY_HEART = 0.7
"""Training error, as a share of the held-out one, below which music may be learnt by heart though the held-out error
does not rise. Good runs stay above 0.8."""
BY_HEART_FALL = 0.05
"""Fall of the training error since then that shows it, with the held-out one falling less than half as much."""

WEAK_NATS = 3.0
"""Nats per latent dimension above which draws from the prior miss what the decoder knows.

With mu spread like the prior, −ln(sigma) nats mean that a posterior is e^−nats of the prior wide: at 3 nats a
twentieth, so that the decoder has learnt small islands and a draw lands between them. Measured on made music (latent of
64, 900 updates) by the Fréchet distance of the drawn mel statistics to the training set's: 1.5 at 0.9 and at 1.5 nats
per dimension, 1.7 at 2.6, 2.0 at 3.7, while the held-out error gained 0.1 dB from 2.6 to 3.7.
"""
COVERED_NATS = 14.0
"""Nats a segment up to which that cannot be: the codes of e^14, a million segments, can fill the prior. Latents of two
or three dimensions are sampled well at any number of nats per dimension."""

NOISY_ERROR = 0.75
"""Share of the mean spectrum's error above which sounds are noise of the right colour; good runs end near half."""
LOW_NATS = 0.3
"""Nats per dimension below which it is beta that keeps the error up."""
UNLIKE = 0.8
"""Training error, as a share of the held-out one, below which the held-out music is unlike what was trained on."""
HIGH_RATE = 0.5
"""Share of the highest learning rate above which a level curve under a cosine is no plateau: such curves were seen to
fall by 4 to 8 % more along with the rate."""

_WAIT = "Let it go on"


def judge(
    rows: Sequence[Row],
    *,
    train: Train,
    loss: Loss,
    augment: Augment,
    latent_dim: int,
    rising_epochs: float,
    state: State = "training",
    rollbacks: int = 0,
) -> Verdict | None:
    """Judge a run by its figures. Takes time in proportion to the rows.

    Parameters
    ----------
    rows
        Rows of `metrics.jsonl`, of any kind, oldest first. Any figure may be missing, None, or not a number. Without
        validation the training figures are judged, and the evidence says so.
    train, loss, augment
        Settings in force; advice names them with their values.
    latent_dim
        Numbers in the latent of one segment.
    rising_epochs
        Epochs until beta has stopped changing. Before that a higher error may be the price of a higher beta.
    state
        What the run does, or how it ended. One that is over is not told to go on by itself; "finished" before the last
        epoch is early stopping; "diverged" means that the trainer gave up, whatever the rows say.
    rollbacks
        How often it went back to an earlier checkpoint. The rows since were taken back with it.

    Returns
    -------
    Verdict or None
        None where no epoch has closed, unless the run diverged. Figures have three significant digits.
    """
    epochs = closed_epochs(rows)
    if state == "diverged" or (epochs and _is_broken(epochs[-1])):
        return _diverged(rows, epochs, train, rollbacks)
    if not epochs:
        return None
    rising = rising_epochs if loss.beta_start != loss.beta_end else 0.0
    seen = Standing.of(epochs, planned=train.epochs, latent_dim=latent_dim, rising_epochs=rising, state=state)
    if seen is None:
        longer = _longer(train, epochs[-1]["epoch"], state)
        return _verdict("early", "No error was measured yet", f"{_epochs(len(epochs))} closed", longer)
    if has_exploded(seen.steady_db, seen.mean_db):
        return _exploded(seen, train)
    if seen.count < EARLY_EPOCHS:
        sentence = f"Too early to tell: {_epochs(seen.epoch)} of {seen.planned}"
        if seen.complete:
            sentence = f"Training was too short to tell: {_epochs(seen.epoch)}"
        return _verdict("early", sentence, _error(seen), _longer(train, seen.epoch, state))
    return (
        _collapsed(seen, loss, latent_dim)
        or _overfitting(seen, augment, train)
        or _weak_kl(seen, loss)
        or _noisy(seen, loss, augment, train)
        or _going_on(seen, loss, train)
    )


def _is_broken(epoch: Row) -> bool:
    """Whether an epoch's loss is no number. All of its few updates may have been skipped and the weights be sound."""
    return broken(epoch, "val_loss") or (broken(epoch, "loss") and finite(epoch, "val_loss") is None)


def _diverged(rows: Sequence[Row], epochs: list[Row], train: Train, rollbacks: int) -> Verdict:
    losses = [value for row in rows if (value := finite(row, "loss")) is not None]
    norms = [value for row in rows if (value := finite(row, "grad_norm")) is not None]
    skipped = sum(finite(row, "skipped") or 0.0 for row in epochs)
    evidence = [f"last loss on record {figure(losses[-1])}"] if losses else []
    if norms:
        evidence.append(f"gradient norm {figure(norms[-1])}")
    if skipped:
        evidence.append(f"updates skipped {skipped:.0f}")
    if rollbacks:
        times = "once to" if rollbacks == 1 else f"{rollbacks} times, each time to"
        evidence.append(f"went back {times} half the learning rate")
    if not losses:
        evidence.append("no epoch's loss is on record")
    # Figures of the epoch in which it was given up are not on record: an error may have run away though a number.
    what = "loss, gradient or error ran away, or is no number any more"
    when = f"after epoch {epochs[-1]['epoch']}" if epochs else "in the first epoch"
    if epochs and _is_broken(epochs[-1]):
        when, what = f"by epoch {epochs[-1]['epoch']}", "loss or gradient are no numbers any more"
    return _verdict("diverged", f"Diverged {when}: {what}", ", ".join(evidence), lower_learning_rate(train))


def has_exploded(error_db: float, mean_db: float | None) -> bool:
    """Whether an error, finite though it is, tells of weights that have run away; `mean_db` is the mean spectrum's."""
    return error_db > (EXPLODED * mean_db if mean_db else EXPLODED_DB)


def _exploded(seen: Standing, train: Train) -> Verdict:
    since = seen.since(lambda error_db: has_exploded(error_db, seen.mean_db))
    sentence = f"Diverged in epoch {since}: the error is beyond what any sound can be wrong by"
    return _verdict("diverged", sentence, _error(seen), lower_learning_rate(train))


def _collapsed(seen: Standing, loss: Loss, latent_dim: int) -> Verdict | None:
    few = seen.active is not None and seen.active < COLLAPSED_SHARE * latent_dim
    most = seen.active is not None and seen.active >= MOSTLY_ACTIVE * latent_dim
    # Where the mean spectrum's error is not known, the KL alone must do.
    missed = not seen.mean_db or seen.share_of_mean > COLLAPSED_ERROR
    nats = math.inf if seen.nats is None else seen.nats
    if not (nats < SILENT_NATS or (missed and (few or (nats < COLLAPSED_NATS and not most)))):
        return None
    beta = latest(seen.rows, "beta", 1)
    units = f"{seen.active:.0f} of {latent_dim} units active, " if seen.active is not None else ""
    rate = f"KL {figure(seen.nats)} nats a segment, " if seen.nats is not None else ""
    sentence = "Latent collapsed: all music gives nearly the same sound"
    return _verdict("collapsed", sentence, f"{units}{rate}{_error(seen)}", lower_beta(loss, beta))


def _overfitting(seen: Standing, augment: Augment, train: Train) -> Verdict | None:
    if not seen.held_out:
        return None
    place = _turned(seen)
    if place is None:
        return None
    since, (best_db, best_epoch) = seen.curve.epochs[place], seen.best
    then = next(index for index, row in enumerate(seen.rows) if row["epoch"] == since)
    errors, training = seen.figures_of("val_recon_db"), seen.figures_of("recon_db")
    if _has_risen(seen):
        sentence = f"Overfitting since epoch {since}: what it learns does not hold for other music"
        before = f"{figure(best_db)} dB in epoch {best_epoch}"
    else:
        sentence = f"Learning by heart since epoch {since}: little of what it learns holds for other music"
        before = f"{figure(errors[then])} dB in epoch {since}"
    evidence = (
        f"held-out error {before}, now {figure(errors[-1])} dB; "
        f"training error {figure(training[then])} dB in epoch {since}, now {figure(training[-1])} dB"
    )
    if best_db < seen.error_db:
        evidence += "; harmonic_vae_best.pt keeps the best"
    return _verdict("overfitting", sentence, evidence, more_variety(augment, train))


def _turned(seen: Standing) -> int | None:
    """Point from which only the training error went on as it should; None where that is not so."""
    errors, training = seen.curve.values, seen.curve_of("recon_db").values
    best = errors.index(min(errors))
    if _has_risen(seen):
        return best if 0.0 < training[-1] <= training[best] * (1.0 - OVERFIT_FALL) else None
    # The curve lags behind: what made the newest epoch the best holds for other music.
    if seen.newly_better:
        return None
    apart = [place for place, error in enumerate(errors) if not 0.0 < training[place] < BY_HEART * error]
    place = apart[-1] + 1 if apart else 0
    if place >= len(errors):
        return None
    learnt, gained = 1.0 - training[-1] / training[place], 1.0 - seen.steady_db / errors[place]
    return place if learnt > BY_HEART_FALL and gained < learnt / 2.0 else None


def _weak_kl(seen: Standing, loss: Loss) -> Verdict | None:
    # Unknown nats are NaN and compare as false.
    if not (seen.settled and seen.nats_per_dim > WEAK_NATS and seen.nats and seen.nats > COVERED_NATS):
        return None
    evidence = (
        f"{figure(seen.nats_per_dim)} nats per dimension, {figure(seen.nats)} a segment; above {WEAK_NATS:g} per "
        f"dimension draws fall between what was learnt; {_error(seen)}"
    )
    return _verdict(
        "weak_kl",
        "KL too weak to sample from: new sounds will be worse than copies",
        evidence,
        raise_beta(loss, seen.nats_per_dim),
    )


def _noisy(seen: Standing, loss: Loss, augment: Augment, train: Train) -> Verdict | None:
    undecided = seen.improving or not (seen.settled and seen.comparable)
    if not seen.share_of_mean > NOISY_ERROR or (undecided and not seen.ended):
        return None
    training = seen.curve_of("recon_db").values[-1]
    beta = latest(seen.rows, "beta", 1)
    if seen.improving or seen.count < TREND_EPOCHS:
        because, action = "training was too short", _longer(train, seen.epoch, seen.state)
        evidence = f"{_epochs(seen.epoch)}; {_error(seen)}"
    elif seen.nats_per_dim < LOW_NATS:
        because, action = "beta is too high", lower_beta(loss, beta)
        evidence = (
            f"KL {figure(seen.nats_per_dim)} nats per dimension at beta {figure(beta or loss.beta_end)}; {_error(seen)}"
        )
    elif seen.held_out and 0.0 < training < UNLIKE * seen.error_db:
        because, action = "the held-out music is unlike what was trained on", more_variety(augment, train)
        evidence = f"training error {figure(training)} dB; {_error(seen)}"
    else:
        because, action = "training got stuck", lower_beta(loss, beta)
        evidence = f"no gain since epoch {seen.gained_at}; {_error(seen)}"
    return _verdict("noisy", f"Noisy output, because {because}", evidence, action)


def _going_on(seen: Standing, loss: Loss, train: Train) -> Verdict:
    """Whether more epochs bring something."""
    longer = _longer(train, seen.epoch, seen.state)
    if seen.improving:
        fall, over = seen.recent_fall()
        sentence = f"Still improving: −{figure(100.0 * fall)} % over the last {_epochs(over)}"
        return _verdict("improving", sentence, _error(seen), longer)
    if not seen.comparable:
        rising = seen.epoch <= seen.rising_epochs and not seen.ended
        why = (
            f"beta rises until epoch {seen.rising_epochs:g}"
            if rising
            else f"a trend takes {TREND_EPOCHS} epochs at one beta"
        )
        return _verdict("early", f"Too early to tell: {why}", _error(seen), longer)
    rate = latest(seen.rows, "learning_rate", 1)
    if (
        not seen.complete
        and train.learning_rate_schedule == "cosine"
        and (rate or 0.0) > train.learning_rate * HIGH_RATE
    ):
        sentence = f"Level since epoch {seen.gained_at}, but the learning rate has yet to fall"
        return _verdict("early", sentence, f"learning rate {figure(rate or 0.0)}, {_error(seen)}", longer)
    evidence = f"no gain of {100.0 * LEAST_GAIN:g} % for {_epochs(seen.epoch - seen.gained_at)}, {_error(seen)}"
    if seen.over:
        # More nats bring detail, up to where new sounds suffer.
        action = lower_beta(loss, None, by=3.0)
        if not action or seen.nats_per_dim > WEAK_NATS / 2.0:
            action = "Listen to its samples, and use harmonic_vae_best.pt"
    elif train.early_stopping:
        action = f"Let it go on: it ends by itself after {_epochs(train.early_stopping)} without a gain"
    else:
        action = "End it with `harmonic control RUN stop`"
    advice = "more epochs would bring little" if seen.over else "you can stop"
    if _has_risen(seen):
        sentence = f"Plateau since epoch {seen.gained_at}, and worse by now: {advice}"
        return _verdict("plateau", sentence, evidence, lower_learning_rate(train))
    return _verdict("plateau", f"Plateau since epoch {seen.gained_at}: {advice}", evidence, action)


def _has_risen(seen: Standing) -> bool:
    """Whether the curve ends above its best by more than noise explains, and so does the newest epoch itself."""
    values = seen.curve.values
    risen = values[-1] > min(values) * (1.0 + max(WORSE, WORSE_IN_NOISE * seen.curve.noise))
    return risen and seen.error_db > seen.best[0] * (1.0 + WORSE)


def _longer(train: Train, epoch: int, state: State) -> str:
    """How more epochs come about after this one."""
    if epoch >= train.epochs:
        return train_longer(train)
    return _WAIT if state in ACTIVE_STATES else go_on(ended_early=state == "finished")


def _error(seen: Standing) -> str:
    """The newest error, which one it is, and what it has to beat."""
    name = "held-out error" if seen.held_out else "training error (nothing is held out)"
    mean = f", the mean spectrum's {figure(seen.mean_db)} dB" if seen.mean_db else ""
    return f"{name} {figure(seen.error_db)} dB{mean}"


def _epochs(number: int) -> str:
    return f"{number} epoch{'' if number == 1 else 's'}"


def _verdict(kind: VerdictKind, sentence: str, evidence: str, action: str = "") -> Verdict:
    sentence, evidence, action = (
        f"{text[0].upper()}{text[1:]}." if text else "" for text in (sentence, evidence, action)
    )
    return Verdict(kind=kind, sentence=sentence, evidence=evidence, action=action)
