"""What a recorded graph costs a month under stated usage: list prices, no free tier, fees of messages apart."""

from localcloud.costs.model import Estimate, Line, estimate
from localcloud.costs.usage import Usage, UsageError

__all__ = ["Estimate", "Line", "Usage", "UsageError", "estimate"]
