"""When things happen in a training: steps, learning rates, evaluations. Plain arithmetic, no torch."""

from dataclasses import dataclass

from sdetr.training.settings import ScheduleSettings


@dataclass(frozen=True)
class Timeline:
    """A schedule whose epochs have a length."""

    schedule: ScheduleSettings
    steps_per_epoch: float
    """A fraction of a step is allowed; where it matters, steps are rounded."""
    evaluate_every: int | None = None
    """Epochs between two points of the curve; none: the end alone is evaluated."""

    @classmethod
    def of(
        cls, schedule: ScheduleSettings, steps_per_pass: int, evaluate_every: int | None = None
    ) -> "Timeline":
        """An epoch is what the schedule says, else a pass over the data."""
        return cls(schedule, schedule.steps_per_epoch or steps_per_pass, evaluate_every)

    @property
    def total(self) -> int:
        """Steps of the whole training, at least 1."""
        return max(1, self.step_of(self.schedule.epochs))

    def step_of(self, epoch: int) -> int:
        """Steps that are done when an epoch has ended; 0 is the start."""
        return round(epoch * self.steps_per_epoch)

    def points(self) -> dict[int, int]:
        """Steps done → epoch, of each point of evaluation: start, regular ones, before each drop, end."""
        *epochs, last = self.schedule.evaluated_epochs(self.evaluate_every)
        return {self.step_of(epoch): epoch for epoch in epochs} | {self.total: last}

    def epoch_at(self, step: int) -> float:
        return step / self.steps_per_epoch

    def lr_factor(self, step: int) -> float:
        """Factor of the learning rates for the update that follows `step` updates."""
        warmup = self.schedule.warmup_steps
        rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
        drops = sum(step >= self.step_of(epoch) for epoch in self.schedule.drop)
        return float(rising * 0.1**drops)
