"""What a run in MLflow holds already, when its memory was lost: only what would otherwise be sent twice."""

from sdetr.tracking.digests import digest_of, digest_of_value
from sdetr.tracking.door import Door
from sdetr.tracking.memory import Memory
from sdetr.tracking.portrait import Portrait


def recall(door: Door, portrait: Portrait, memory: Memory) -> None:
    """Pictures and logged models get new ids every time; all else may be sent again without a trace."""
    there = [file.path for file in door("list_artifacts", memory.run_id, "images")]
    for picture in portrait.pictures:
        start = f"images/{picture.key}+step+{picture.step}+timestamp+{picture.time_ms}+"
        if any(path.startswith(start) for path in there):
            memory.sent[f"picture {picture.path.name}"] = digest_of_value(digest_of(picture.path))
    weights = portrait.outputs.get("weights")
    outputs = door("get_run", memory.run_id).outputs
    for one in outputs.model_outputs if outputs and weights else []:
        if weights and door("get_logged_model", one.model_id).tags.get("sha256") == weights.sha256:
            memory.models["weights"] = one.model_id
            memory.sent["model weights"] = digest_of_value(list(weights))
