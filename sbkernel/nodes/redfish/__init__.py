"""The client of Redfish: HTTPS with pinned certificates, reads that repeat, changes that are sent once."""
