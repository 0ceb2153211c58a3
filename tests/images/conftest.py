"""What tests of images share."""

from smallbuild import small

__all__ = ["small"]
