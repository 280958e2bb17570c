"""Route 53, simulated: health checkers and DNS answers by its documented rules, from what is deployed in an AWS.

The embedded AWS keeps zones, records and health checks, and does nothing with them. This does, on loopback only: what
it says is a simulation, also where it answers real DNS queries.
"""

from drill.route53.observation import Observation
from drill.route53.resolver import Kept, ResolutionError, Resolver
from drill.route53.simulated import SimulatedRoute53
from drill.route53.zone import Route53Error

__all__ = ["Kept", "Observation", "ResolutionError", "Resolver", "Route53Error", "SimulatedRoute53"]
