"""Numbers and times as people read them."""

from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """To two or three digits."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def moment(time_s: float) -> str:
    """Seconds since the epoch → a minute in UTC, wherever the reader is."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def number(value: float) -> str:
    """Four digits that count."""
    return f"{value:.4g}"
