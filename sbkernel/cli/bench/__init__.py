"""The verb that measures."""
