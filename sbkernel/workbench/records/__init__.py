"""Records and schedules."""
