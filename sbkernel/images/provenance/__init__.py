"""Where an image came from: who built it from which lists, and what of it image.json says under `made`."""
