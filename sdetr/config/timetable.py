"""How long jobs take on so many GPUs: list scheduling, what is longest to the end first."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A job of a graph without circles."""

    hours: float
    gpus: int = 0
    """Tasks that need none never wait for one another."""
    after: frozenset[str] = frozenset()


def critical_hours(tasks: Mapping[str, Task]) -> float:
    """Of the longest chain: no number of GPUs is faster."""
    return max(_to_the_end(tasks).values(), default=0.0)


def wall_hours(tasks: Mapping[str, Task], gpus: int) -> float:
    """From the first start to the last end. No GPU idles while a task that fits could begin.

    Raises ValueError for a task that needs more GPUs than there are.
    """
    for name, task in tasks.items():
        if task.gpus > gpus:
            raise ValueError(
                f"{name} needs {task.gpus} GPUs at once, and there are {gpus}; give --gpus {task.gpus}"
            )
    left = _to_the_end(tasks)
    waits = {name: set(task.after) & tasks.keys() for name, task in tasks.items()}
    ready = [(-left[name], name) for name, before in waits.items() if not before]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now, free = 0.0, gpus
    while ready or running:
        held = []
        while ready:
            first = heapq.heappop(ready)
            if tasks[first[1]].gpus > free:
                held.append(first)
                continue
            free -= tasks[first[1]].gpus
            heapq.heappush(running, (now + tasks[first[1]].hours, first[1]))
        for one in held:
            heapq.heappush(ready, one)
        now, done = heapq.heappop(running)
        free += tasks[done].gpus
        for name, before in waits.items():
            if done in before:
                before.remove(done)
                if not before:
                    heapq.heappush(ready, (-left[name], name))
    return now


def _to_the_end(tasks: Mapping[str, Task]) -> dict[str, float]:
    """Task → hours of the longest chain that begins with it."""
    followers: dict[str, list[str]] = {name: [] for name in tasks}
    for name, task in tasks.items():
        for before in task.after & tasks.keys():
            followers[before].append(name)
    left: dict[str, float] = {}
    waiting = list(tasks)
    while waiting:
        name = waiting[-1]
        missing = [one for one in followers[name] if one not in left]
        waiting += missing
        if not missing:
            left[name] = tasks[name].hours + max((left[one] for one in followers[name]), default=0.0)
            waiting.pop()
    return left
