"""Records that are there: listed, compared, run again, shown to others, removed when nobody needs them."""
