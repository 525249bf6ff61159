"""Waivers: the written reason why one resource need not follow one policy rule, beside the resource.

A waiver is a component without resources below the one it is about: it costs nothing, AWS never sees it, `pulumi up`
shows it in the tree with its reason, and the rules (`localcloud/policies`) find it in a recorded graph as well as in a
policy pack. One that excuses nothing is a finding itself.
"""

from __future__ import annotations

import pulumi


class Waiver(pulumi.ComponentResource):
    """Excuses `resource` from `rule`; `part` names what inside it is meant, such as a statement's id."""

    def __init__(self, resource: pulumi.Resource, rule: str, *, reason: str, part: str = "") -> None:
        if not reason.strip():
            raise ValueError(f"a waiver of {rule} says why, or it is none")
        said = {"rule": rule, "part": part, "reason": reason}
        name = "-".join(filter(None, (resource.pulumi_resource_name, rule, part.lower())))
        super().__init__("cpaas:waiver:Waiver", name, dict(said), pulumi.ResourceOptions(parent=resource))
        self.register_outputs(said)
