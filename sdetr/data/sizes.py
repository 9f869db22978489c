"""To what size an image is resized; known before any pixel is read."""


def resized(size: tuple[int, int], short: int, longest: int | None = None) -> tuple[int, int]:
    """(H, W) with the short side `short`, or less where the other would pass `longest`.

    As DETR rounds: a short side lowered by `longest` to the nearest, the long side down.
    """
    low, high = min(size), max(size)
    if longest is not None and high / low * short > longest:
        short = max(1, round(longest * low / high))
    height, width = size
    if height < width:
        return short, int(short * width / height)
    return int(short * height / width), short
