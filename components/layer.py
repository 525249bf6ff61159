"""The layer with what functions import beside the runtime's own packages."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.function import ARCHITECTURE, RUNTIME
from components.naming import Site


class LayerMissingError(ValueError):
    """The layer has not been built; the message says how."""


class SharedLayer(pulumi.ComponentResource):
    """One version of the layer, from the directory that `make build` fills."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        directory = Path(site.settings.layer_path)
        if not (directory / "python").is_dir():
            raise LayerMissingError(f"{directory} holds no built Lambda layer: run `make build` first")
        super().__init__("cpaas:layer:SharedLayer", name, {}, opts)
        layer = aws.lambda_.LayerVersion(
            f"{name}-version",
            layer_name=site.physical("dependencies"),
            code=pulumi.FileArchive(str(directory)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            description="Dependencies of the functions",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = layer.arn
        self.register_outputs({"arn": self.arn})
