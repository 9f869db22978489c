"""The proposer that is recommended meets most objects; of those that meet as many, it is the fastest."""

from sdetr.proposals.recommend import recommended
from sdetr.proposals.survey import AT, Survey


def survey(name: str, recall_at_30: float, seconds: float) -> Survey:
    recall = tuple(recall_at_30 if k == 30 else 0.5 for k in AT)
    return Survey(name, False, 0, 100.0, recall, 0.5, (0.1, 0.2, 0.3), seconds, 8, {})


def test_the_most_objects_then_the_least_time() -> None:
    slow, fast, poor = survey("slow", 0.61, 3.0), survey("fast", 0.60, 0.1), survey("poor", 0.3, 0.01)
    said = recommended([slow, poor, fast], 500)
    assert said.startswith(
        "Recommended here: fast, whose first 30 boxes meet 60 % of the objects (slow 61 %, poor 30 %)"
    )
    assert recommended([slow, survey("fast", 0.5, 0.1)], 500).startswith("Recommended here: slow")


def test_few_objects_are_said_and_none_recommend_nothing() -> None:
    two = [survey("a", 0.6, 1.0), survey("b", 0.4, 1.0)]
    assert "Only 12 objects say so" in recommended(two, 12)
    assert "No proposer is recommended: none of these images has a label" in recommended(two, 0)
    assert "there is one alone" in recommended(two[:1], 500)
