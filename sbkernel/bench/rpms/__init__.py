"""A small rpm distribution made from Debian's own packages, for comparisons and tests where no mirror is at hand."""
