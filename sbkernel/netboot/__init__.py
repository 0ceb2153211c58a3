"""Bytes to firmware: nodeset, boot scripts, DHCP configuration, boot log and timeline.

Owns what lies under boot/ and the log of how nodes booted. Writes files only; serving them is the service's work.
"""
