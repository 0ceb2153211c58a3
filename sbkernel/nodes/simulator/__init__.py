"""A BMC in software: IPMI 2.0 over RMCP+ on UDP, with power, boot device and serial over LAN; Redfish in `redfish`.

Owns the server side of the protocol and the faults that tests inject; what happens to the machine is the
Machine's business. Shares no code with pyghmi, so that each can check the other.
"""

from sbkernel.nodes.simulator.bmc import SimulatedBmc
from sbkernel.nodes.simulator.bmcserver import BmcServer, serve
from sbkernel.nodes.simulator.faults import Faults
from sbkernel.nodes.simulator.machine import Machine, PretendMachine

__all__ = ["BmcServer", "Faults", "Machine", "PretendMachine", "SimulatedBmc", "serve"]
