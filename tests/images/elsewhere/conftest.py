"""What tests of builds elsewhere share."""

from localsite import local

__all__ = ["local"]
