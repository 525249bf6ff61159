"""Publishes the stack's outputs where its readers look: one SSM parameter per component."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.naming import Site
from lambdas.core.outputs import StackOutputs, parameter_prefix


class Publication(pulumi.ComponentResource):
    """`/{project}/{stack}/outputs/<component>` holds that component's outputs as JSON."""

    def __init__(
        self, name: str, site: Site, outputs: StackOutputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:publication:Publication", name, {}, opts)
        for part in outputs.components():
            aws.ssm.Parameter(
                f"{name}-{part.COMPONENT}",
                name=parameter_prefix(site.project, site.stack) + part.COMPONENT,
                description=f"Outputs of {part.COMPONENT}",
                type="String",
                tier="Standard",
                value=pulumi.Output.json_dumps(part.to_mapping(), sort_keys=True),
                tags=site.tags,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.register_outputs({})
