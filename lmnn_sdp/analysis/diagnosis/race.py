"""The race: every method on the same splits, within a budget of time, so that each is begun only where it fits.

Each method is first tried on a small part of the data. From its time there the size of the data for all, and who can be
judged at all, are chosen; then the splits come one after the other, and the cheap methods go on where the costly ones
must stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lmnn_sdp.analysis.diagnosis.budget import Budget
from lmnn_sdp.analysis.diagnosis.contenders import Contender, Setting
from lmnn_sdp.analysis.diagnosis.trials import Fold, Trial, judge
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray, IntArray

Split = tuple[IntArray, IntArray]

MIN_SPLITS = 5  # from fewer a spread says little
TRIED = 400  # points up to which the first try is on all of them
FIRST_SHARE = 0.25  # of the budget, for the first tries
KEPT = 0.15  # of the budget, for what comes after the race
BEYOND = 1.2  # times its limit that a fit of ours takes, as its last round ends after it
ENDLESS_SHARE, SHORTEST_LIMIT = 0.5, 0.25  # of the time that is free, and of the limit before
SMALLEST_PART = 0.1  # of the points
CAUTION = 1.25  # a fit may take longer than the ones before it


@dataclass
class Race:
    """State of the race.

    Attributes
    ----------
    contenders : sequence of Contender
    setting : Setting
    budget : Budget
    follow : callable
        Is told in words what happens.
    predicted : dict
        Seconds of a fit by the key of its method.
    left_out : dict
        Why a method is out, by its key.
    folds : dict
        What was found, by key.
    """

    contenders: Sequence[Contender]
    setting: Setting
    budget: Budget
    follow: Callable[[str], object]
    predicted: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    folds: dict[str, list[Fold]] = field(default_factory=dict)

    def try_out(self, X: FloatArray, codes: IntArray) -> None:
        """Time every method on a small part of one training part, and predict its time on all of it."""
        n = len(X)
        size = n if n <= TRIED else max(TRIED, n // 4)
        rows = stratified_rows(codes, size)
        growth = n / len(rows)
        ready = False  # once one solve was timed, kernels are loaded
        for contender in self.contenders:
            guess = 0.1 if ready else contender.first
            if not self.budget.allows(guess) or self.budget.elapsed > FIRST_SHARE * self.budget.seconds:
                self._leave(contender, "no time was left to try it on a few points")
                continue
            self.follow(f"{contender.title} on {len(rows)} points")
            fold = self._fold(contender, X[rows], codes[rows], (np.arange(len(rows)), np.arange(len(rows))))
            if fold is not None:
                ready = ready or contender.ours
                seconds = fold.seconds * growth**contender.order
                self.predicted[contender.key] = min(seconds, self._most) if contender.ours else seconds

    def fair_limit(self, n_splits: int) -> None:
        """Let fits of ours that would run into their limit take half of what the others leave."""
        endless = [one for one in self.contenders if one.ours and self.predicted.get(one.key, 0.0) >= self._most]
        if not endless:
            return
        splits = min(MIN_SPLITS, n_splits)
        others = sum(self.predicted.values()) - len(endless) * self._most
        free = max(0.0, self.budget.left(KEPT) / CAUTION - splits * others)
        limit = ENDLESS_SHARE * free / (splits * BEYOND * len(endless))
        limit = max(limit, SHORTEST_LIMIT * self.setting.fit_limit)
        self.setting = replace(self.setting, fit_limit=limit)
        self.predicted |= {one.key: self._most for one in endless}

    def share(self, n_splits: int) -> float:
        """Part of the points, at most 1, with which every method has time for the fewest splits."""
        part = 1.0
        while part > SMALLEST_PART and not self._fits(self._shrunk(part), n_splits):
            part *= 0.9
        return part

    def shrink(self, part: float) -> None:
        """Predict for that part of the points."""
        self.predicted = self._shrunk(part)

    def drop_costly(self, n_splits: int) -> None:
        """Leave out the costliest methods until the rest has time for the fewest splits."""
        splits = min(MIN_SPLITS, n_splits)
        while self.predicted:
            if self._fits(self.predicted, n_splits):
                return
            costliest = max(self.predicted, key=lambda key: self.predicted[key])
            seconds = splits * self.predicted.pop(costliest)
            contender = next(one for one in self.contenders if one.key == costliest)
            self._leave(contender, f"its {splits} fits need some {seconds:.1f} s, which the budget does not hold")

    def run(self, runners: Sequence[Contender], X: FloatArray, codes: IntArray, splits: Sequence[Split]) -> None:
        """All splits for those runners that are left, or as many as there is time for; the cheap ones first."""
        for number, split in enumerate(splits, start=1):
            ready = [one for one in self._inside(runners) if len(self.folds.get(one.key, [])) == number - 1]
            self.follow(f"split {number} of {len(splits)}, {len(ready)} methods")
            for contender in sorted(ready, key=lambda one: self.predicted[one.key]):
                if not self.budget.allows(CAUTION * self.predicted[contender.key], KEPT):
                    continue
                fold = self._fold(contender, X, codes, split)
                if fold is not None:
                    self.folds.setdefault(contender.key, []).append(fold)
                    self.predicted[contender.key] = max(one.seconds for one in self.folds[contender.key])
        for contender in self._inside(runners):
            done = len(self.folds.get(contender.key, []))
            if done < min(MIN_SPLITS, len(splits)):
                self._leave(contender, f"the time was over after {done} of {len(splits)} fits")

    def trials(self, codes: IntArray, splits: Sequence[Split]) -> tuple[Trial, ...]:
        """What was found."""
        classes = int(codes.max()) + 1
        tested = np.array([np.bincount(codes[test], minlength=classes) for _, test in splits])
        return tuple(self._trial(one, tested, len(splits[0][0])) for one in self.contenders)

    def _trial(self, contender: Contender, tested: IntArray, n_train: int) -> Trial:
        """One method."""
        reason = self.left_out.get(contender.key, "" if contender.key in self.folds else "it was not begun")
        folds = [] if reason else self.folds[contender.key]
        return Trial(
            contender=contender,
            wrong=np.array([fold.wrong for fold in folds], dtype=np.intp).reshape(len(folds), tested.shape[1]),
            tested=tested[: len(folds)],
            n_train=n_train,
            seconds=np.array([fold.seconds for fold in folds]),
            stopped=sum(fold.stopped for fold in folds),
            left_out=reason,
        )

    @property
    def _most(self) -> float:
        """Seconds of a fit of ours: its limit, and a round that may go beyond it."""
        return BEYOND * self.setting.fit_limit

    def _shrunk(self, part: float) -> dict[str, float]:
        """Predictions for a part of the points."""
        orders = {contender.key: contender.order for contender in self.contenders}
        return {key: seconds * part ** orders[key] for key, seconds in self.predicted.items()}

    def _fits(self, predicted: dict[str, float], n_splits: int) -> bool:
        """Whether there is time for the fewest splits of all."""
        return self.budget.allows(CAUTION * min(MIN_SPLITS, n_splits) * sum(predicted.values()), KEPT)

    def _inside(self, runners: Sequence[Contender]) -> list[Contender]:
        """Those of the runners that are still in the race."""
        return [one for one in runners if one.key in self.predicted and one.key not in self.left_out]

    def _fold(self, contender: Contender, X: FloatArray, codes: IntArray, split: Split) -> Fold | None:
        """One fit; a method that refuses the data is out, with its own words."""
        try:
            return judge(contender.pipeline(self.setting), X, codes, *split, self.budget.clock)
        except (ValueError, np.linalg.LinAlgError) as error:
            self._leave(contender, f"it refuses these data: {error}")
            return None

    def _leave(self, contender: Contender, reason: str) -> None:
        """Take a method out of the race."""
        self.left_out[contender.key] = reason
