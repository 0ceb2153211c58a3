"""Jobs: followed, cancelled."""
