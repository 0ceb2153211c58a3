"""The client of IPMI 2.0: sessions, commands and consoles (serial over LAN), on pyghmi's protocol code."""
