"""The one long-lived process beside Jupyter, and its thin client.

Owns boot HTTP, status posts, syslog, dnsmasq, the sessions with hardware, and console logs. Must not build images.
"""
