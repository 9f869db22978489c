"""Which proposer suits a data set, as far as its labels tell."""

from collections.abc import Sequence

from sdetr.proposals.survey import AT, Survey

FIRST = 30
"""Boxes of an image that pretexts look at (DETReg: the first 30)."""
ENOUGH = 50
"""Objects below which recall tells little."""
EQUAL = 0.02
"""Recall that is no difference; of equal ones the fastest is recommended."""


def recommended(surveys: Sequence[Survey], objects: int) -> str:
    """A sentence. `objects`: on how many the recall was counted."""
    if not objects:
        return (
            "No proposer is recommended: none of these images has a label, and only labels tell which fits."
        )
    if len(surveys) < 2:
        return "No proposer is recommended: there is one alone; name others after --proposer."
    place = AT.index(FIRST)
    best = max(one.recall[place] for one in surveys)
    equal = [one for one in surveys if best - one.recall[place] <= EQUAL]
    chosen = min(equal, key=lambda one: one.seconds)
    others = sorted((one for one in surveys if one is not chosen), key=lambda one: -one.recall[place])
    said = ", ".join(f"{one.proposer} {100 * one.recall[place]:.0f} %" for one in others)
    few = (
        f" Only {objects} objects say so: label some more before you rely on it." if objects < ENOUGH else ""
    )
    met = f"whose first {FIRST} boxes meet {100 * chosen.recall[place]:.0f} % of the objects ({said})"
    return f"Recommended here: {chosen.proposer}, {met}. It is `proposer:` in a file of params/views/.{few}"
