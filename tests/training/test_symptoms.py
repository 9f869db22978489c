"""Each trouble that hinders learning by heart is told from the others."""

import pytest

from sdetr.training.symptoms import Symptoms, diagnosis

FALLING, STILL, RISING = (8.0, 4.0, 2.0), (8.0, 7.6, 7.1), (8.0, 15.0, 9.0)


@pytest.mark.parametrize(
    "seen, said",
    [
        (Symptoms(RISING, 0.0, 0.0, 40.0), "learning rate: the loss rose from 8.00 to 15.00; try a third"),
        (
            Symptoms(STILL, 0.0, 0.0, 40.0),
            "learning rate: the loss went from 8.00 to 7.10 only; try three times",
        ),
        (
            Symptoms(FALLING, 20.0, 85.0, 40.0),
            "classes: AP50 is 85 where classes are ignored, 20 where they count",
        ),
        (Symptoms(FALLING, 20.0, 25.0, 5.0), "boxes: the middle object is 5 pixels wide"),
        (Symptoms(FALLING, 20.0, 25.0, 40.0), "data: the loss falls, but boxes are not met"),
    ],
)
def test_the_likeliest_trouble_is_named_with_what_to_do(seen: Symptoms, said: str) -> None:
    assert diagnosis(seen, "`resize` of it").startswith(said)


def test_whoever_has_to_see_larger_images_is_told_where_that_is_said() -> None:
    assert diagnosis(Symptoms(FALLING, 20.0, 25.0, 5.0), "`here`").endswith("give it larger images: `here`")
