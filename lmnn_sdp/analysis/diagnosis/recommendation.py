"""What follows from the race: the simplest method that no other is seen to beat, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmnn_sdp.analysis.diagnosis.contenders import Advice, Setting
from lmnn_sdp.analysis.diagnosis.trials import Difference, Trial

SMALL = 0.01  # a gain of errors that nobody would learn a metric for


@dataclass(frozen=True)
class Recommendation:
    """What to do.

    Attributes
    ----------
    advice : Advice
        Kind of it.
    method : str or None
        Key of the method; None where none is recommended.
    sure : bool
        Whether no other method could be better by a point, as far as the splits can tell.
    reasons : tuple of str
        One for each step, with its numbers.
    command : str or None
        What to run in a shell; None where the package has no command for it.
    code : str or None
        The same in Python.
    doubts : tuple of str
        What would change it.
    """

    advice: Advice
    method: str | None
    sure: bool
    reasons: tuple[str, ...]
    command: str | None
    code: str | None
    doubts: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "advice": self.advice.name,
            "message": self.advice.value,
            "method": self.method,
            "sure": self.sure,
            "reasons": list(self.reasons),
            "command": self.command,
            "code": self.code,
            "doubts": list(self.doubts),
        }


def unjudged(advice: Advice, reason: str, remedy: str) -> Recommendation:
    """None, why, and what would allow one."""
    return Recommendation(advice, None, False, (reason,), None, None, (remedy,))


def recommend(trials: Sequence[Trial], setting: Setting, guess: float, data: str) -> Recommendation:
    """Name the simplest method that no other is seen to beat.

    Parameters
    ----------
    trials : sequence of Trial
        In the order of `CONTENDERS`.
    setting : Setting
        Of the contenders.
    guess : float
        Error of always naming the largest class.
    data : str
        How ``lmnn-sdp solve`` is told the data.

    Returns
    -------
    Recommendation
        With the reasons, from the simplest method up.
    """
    judged = [trial for trial in trials if trial.judged]
    if not judged:
        return unjudged(
            Advice.NO_TIME, "No method had the time for its fits.", "More time: raise minutes (--minutes 2)."
        )
    if not any(trial.above(guess).shown for trial in judged):
        return _no_signal(judged, guess)
    chosen = choice(judged)
    reasons = reasons_for(chosen, judged)
    neighbours = [trial for trial in judged if trial.contender.advice is not Advice.ANOTHER]
    advice = chosen.contender.advice
    if advice is Advice.ANOTHER and neighbours:
        best = choice(neighbours)
        reasons.append(
            f"Of what votes by neighbours, {best.contender.title} is the choice ({percent(best)}): "
            f"{best.contender.code(setting)}"
        )
    flags = chosen.contender.flags
    standard = "--standardize" if setting.standardize else ""
    command = None
    if flags is not None and setting.dimensions is None:
        options = flags.format(rows=setting.rows, penalty=setting.penalty)
        own = _own(setting, "--reg" in options)
        command = " ".join(part for part in ("lmnn-sdp solve", data, standard, own, options) if part)
    rivals = [(trial, trial.minus(chosen)) for trial in judged if trial is not chosen]
    sure = all(difference.most < SMALL for _, difference in rivals) and len(judged) == len(trials)
    return Recommendation(
        advice,
        chosen.contender.key,
        sure,
        tuple(reasons),
        command,
        chosen.contender.code(setting),
        tuple(doubts(chosen, rivals, [trial for trial in trials if not trial.judged])),
    )


def choice(judged: Sequence[Trial]) -> Trial:
    """The simplest method that no other is seen to beat, and that is better than the beaten ones before it.

    Without the second half, a method of much spread would be taken although it is no better than one that is beaten.
    """
    unbeaten = [trial for trial in judged if beaten_by(trial, judged) is None]  # that of least mean error is among them
    return next((trial for trial in unbeaten if no_better_than(trial, judged) is None), unbeaten[0])


def no_better_than(trial: Trial, judged: Sequence[Trial]) -> Trial | None:
    """A simpler method that is beaten, and from which this one is less than a standard error away."""
    simpler = judged[: judged.index(trial)]
    same = (one for one in simpler if trial.minus(one).mean > -trial.minus(one).spread)
    return next((one for one in same if beaten_by(one, judged) is not None), None)


def beaten_by(trial: Trial, judged: Sequence[Trial]) -> Trial | None:
    """Of those that are seen to make fewer errors, the one that makes fewest; None where there is none."""
    better = [other for other in judged if other is not trial and other.minus(trial).shown]
    return min(better, key=lambda other: other.error.mean, default=None)


def reasons_for(chosen: Trial, judged: Sequence[Trial]) -> list[str]:
    """Why all that is simpler is out, and what comes next to the choice."""
    told = []
    for trial in judged[: judged.index(chosen)]:
        better, same = beaten_by(trial, judged), no_better_than(trial, judged)
        title = f"{trial.contender.title}, {percent(trial)}, is"
        if better is not None:
            beaten = interval(better.minus(trial))
            told.append(f"{title} beaten by {better.contender.title}, {percent(better)} ({beaten}).")
        elif same is not None:
            told.append(f"{title} not seen to be beaten, but no better than {same.contender.title}, which is.")
    title = f"{chosen.contender.title}, {percent(chosen)}, is the simplest left that nothing is seen to beat"
    others = [trial for trial in judged if trial is not chosen]
    if not others:
        return [*told, f"{title}: nothing else was tried."]
    best = min(others, key=lambda trial: trial.error.mean)
    told.append(
        f"{title}; the best of the others is {best.contender.title}, {percent(best)} ({interval(best.minus(chosen))})."
    )
    return told


def doubts(chosen: Trial, rivals: Sequence[tuple[Trial, Difference]], missing: Sequence[Trial]) -> list[str]:
    """What would change the recommendation."""
    told = []
    better = [(trial, difference) for trial, difference in rivals if difference.mean < 0]
    if better:
        trial, difference = min(better, key=lambda pair: pair[1].mean)
        more = points_needed(difference)
        told.append(
            f"{trial.contender.title} made {100 * -difference.mean:.1f} points fewer errors here, which the splits "
            f"could have made by chance" + (f"; with some {more:.1f} times the points it would show." if more else ".")
        )
    open_ones = sum(difference.most >= SMALL for _, difference in rivals)
    if open_ones:
        told.append(
            f"More points: {open_ones} of the {len(rivals)} other methods may be better by a point or more, as far as "
            "these splits can tell."
        )
    if missing:
        told.append(f"More time: {', '.join(trial.contender.title for trial in missing)} had no verdict.")
    if chosen.stopped:
        told.append(f"More time: {chosen.stopped} of {len(chosen.wrong)} fits of it stopped before their tolerance.")
    if not told:
        told.append("Other data or other costs of an error: on these, nothing that was tried comes near.")
    return told


def points_needed(difference: Difference) -> float | None:
    """How many times the points would show a difference of this size: intervals shrink with their root."""
    return max(1.1, (difference.reach / -difference.mean) ** 2) if difference.mean < 0 else None


def percent(trial: Trial) -> str:
    """Mean and standard deviation of the error."""
    return f"{100 * trial.error.mean:.1f} % +- {100 * trial.error.sd:.1f} %"


def interval(difference: Difference) -> str:
    """Mean difference with its interval, in points."""
    ends = (100 * (difference.mean - difference.reach), 100 * (difference.mean + difference.reach))
    return "{:+.1f} points, 95 % interval {:+.1f} to {:+.1f}".format(100 * difference.mean, *ends)


def _no_signal(judged: Sequence[Trial], guess: float) -> Recommendation:
    """Nothing beats a guess."""
    best = min(judged, key=lambda trial: trial.error.mean)
    reasons = (
        f"Always naming the largest class misclassifies {100 * guess:.1f} %.",
        f"The best that was tried, {best.contender.title}, misclassifies {percent(best)} "
        f"({interval(best.above(guess))} beside the guess).",
    )
    sure = bool(np.all([trial.above(guess).most < SMALL for trial in judged]))
    doubt = "Features that tell more of the classes, or many more points."
    return Recommendation(Advice.NO_SIGNAL, None, sure, reasons, None, None, (doubt,))


def _own(setting: Setting, has_reg: bool) -> str:
    """Options of the problem that differ from the defaults."""
    told = [f"-k {setting.n_neighbors}"] if setting.n_neighbors != 3 else []
    told += [f"--mu {setting.mu:g}"] if setting.mu != 0.5 else []
    return " ".join([*told, *([f"--reg {setting.reg:g}"] if setting.reg and not has_reg else [])])
