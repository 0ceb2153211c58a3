"""Simulated nodes to practise on: BMCs by the thousand in one process, and machines that boot as real ones do.

Owns the machine behind each simulated BMC and how it boots; the BMC itself is simulator/. Boots fetch and report over
HTTP like those of real nodes, so that nothing else has to know that there is no machine.
"""
