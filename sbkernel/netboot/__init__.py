"""How nodes boot: nodeset, boot scripts, the configuration of DHCP, the boot log and its timeline.

Owns the files below boot/ and the logs of boots. It only writes files; the service serves them.
"""
