"""Images: chosen, compared, and where their bytes are."""
