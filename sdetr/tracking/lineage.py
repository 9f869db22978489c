"""What a run was made from and what was made from it, as MLflow's own links."""

from collections import defaultdict

from sdetr.config.job import Job
from sdetr.tracking.memory import Memory
from sdetr.tracking.observe import Observer
from sdetr.tracking.places import DRAWN, host_of
from sdetr.tracking.portrait import Portrait
from sdetr.tracking.store import page


class Lineage:
    """Edges come from the plan, ids from what has been mirrored so far."""

    def __init__(self, observer: Observer) -> None:
        self.mirrored: dict[str, tuple[Portrait, Memory]] = {}
        """By path, upstream first."""
        self._makers: dict[str, str] = {}
        self._upstream: dict[str, dict[str, list[str]]] = {}
        self._downstream: dict[str, list[str]] = defaultdict(list)
        for job in observer.jobs():
            self._makers |= dict.fromkeys(observer.outputs(job).values(), job.path)
        for job in observer.plan.jobs.values():
            self._join(job)

    def _join(self, job: Job) -> None:
        """Slots of one input share a line: a table's `scratch.detr.0.metrics` is a run among `runs`."""
        here = host_of(job)
        for slot, file in job.inputs.items():
            before = self._makers.get(file)
            if before is None or before == here:
                continue
            slots = self._upstream.setdefault(here, {})
            if before not in (known := slots.setdefault("runs" if job.stage in DRAWN else slot, [])):
                known.append(before)
            if here not in self._downstream[before]:
                self._downstream[before].append(here)

    def add(self, portrait: Portrait, memory: Memory) -> None:
        self.mirrored[portrait.run] = portrait, memory

    def models(self, job: Job) -> dict[str, str]:
        """Slot of an input → the logged model that it is, if it is one."""
        found = {}
        for slot, file in job.inputs.items():
            known = self.mirrored.get(self._makers.get(file, ""))
            if known and known[0].job.outputs.get("weights") == file and "weights" in known[1].models:
                found[slot] = known[1].models["weights"]
        return found

    def note(self, job: Job) -> str:
        """Markdown: where it comes from and what follows, every run a link."""
        portrait, _ = self.mirrored[job.path]
        lines = [f"`{job.path}`", ""]
        for slot, paths in self._upstream.get(job.path, {}).items():
            lines.append(f"- made from, {slot}: " + ", ".join(map(self._link, paths)))
        followers = self._downstream.get(job.path, [])
        if followers:
            lines.append("- followed by: " + ", ".join(map(self._link, followers)))
        if portrait.pictures:
            lines.append(
                "- pictures: at the end of *Model metrics*, in each tile below the settings; or *Artifacts*"
            )
        lines += [
            f"- wrote, {slot}: `{path}`, sha256 `{sha}`" for slot, (path, sha) in portrait.outputs.items()
        ]
        return "\n".join(lines)

    def _link(self, path: str) -> str:
        if path not in self.mirrored:
            return f"`{path}`"
        portrait, memory = self.mirrored[path]
        return f"[{portrait.name}](#{page(memory.experiment_id, memory.run_id)})"
