"""The peer of row `program`, run as a module: the same program through the SDK's own mocks.

Prints the seconds it took, imports included, and how many resources it registered.
"""

from __future__ import annotations

import time

began = time.perf_counter()

import runpy  # noqa: E402
from typing import Any  # noqa: E402

import pulumi  # noqa: E402

from localcloud.monitor import Demand  # noqa: E402
from localcloud.provision.plausible import plausible  # noqa: E402

ACCOUNT, REGION = "123456789012", "us-east-1"
CONFIG = {
    "aws:region": REGION,
    "ai-cpaas-demo:environment": "dev",
    "ai-cpaas-demo:tags": '{"owner": "bench", "cost_center": "bench"}',
}


class Mocks(pulumi.runtime.Mocks):
    """Answers each registration with the outputs that our own recording imagines."""

    resources = 0

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Id and state."""
        self.resources += 1
        urn = f"urn:pulumi:dev::ai-cpaas-demo::{args.typ}::{args.name}"
        made = plausible(Demand(urn, args.typ, args.name, args.inputs), ACCOUNT, REGION)
        return made.id, {**args.inputs, **made.outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """The caller's identity, the only data source of the program."""
        arn = f"arn:aws:iam::{ACCOUNT}:root"
        return {"accountId": ACCOUNT, "id": ACCOUNT, "arn": arn, "userId": ACCOUNT}, []


MOCKS = Mocks()
pulumi.runtime.set_mocks(MOCKS, project="ai-cpaas-demo", stack="dev")
pulumi.runtime.set_all_config(CONFIG)
evaluate: Any = pulumi.runtime.test
evaluate(lambda: runpy.run_path("__main__.py", run_name="__main__"))()
print(time.perf_counter() - began, MOCKS.resources)
