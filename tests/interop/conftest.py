"""A server of files."""

from tests.site import site

__all__ = ["site"]
