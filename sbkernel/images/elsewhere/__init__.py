"""Images that another machine builds: what of an osimage goes there, how it means the same there, what comes back."""
