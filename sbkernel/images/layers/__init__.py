"""Trees of packages by digest, in the cache of the site."""
