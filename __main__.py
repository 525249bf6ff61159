"""Composition root: settings -> components -> outputs. No resource is defined here."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components import settings as stack_settings
from components.campaigns import Campaigns
from components.foundation import Foundation
from components.messaging import Messaging
from components.monitoring import Monitoring
from components.naming import Site
from components.outbox import Outbox
from components.publication import Publication
from components.sessions import Sessions
from lambdas.core.outputs import ACTIONS_ALLOWED, READ_ONLY, SessionOutputs, StackIdentity, StackOutputs


def main() -> None:
    """Compose the stack and export its outputs."""
    settings = stack_settings.load()
    site = Site(
        project=pulumi.get_project(),
        stack=pulumi.get_stack(),
        version=tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        settings=settings,
        account_id=aws.get_caller_identity().account_id,
    )
    stack_settings.require_account(settings, site.account_id)
    platform = Foundation("foundation", site).platform
    messaging = Messaging("messaging", platform)
    outbox = Outbox("outbox", platform, messaging)
    campaigns = Campaigns("campaigns", platform, messaging, outbox)
    sessions = Sessions("sessions", platform, settings.sessions) if settings.sessions else None
    monitoring = Monitoring("monitoring", platform, channels=tuple(messaging.channels))
    outputs = StackOutputs(
        identity=_identity(site),
        messaging=messaging.outputs,
        outbox=outbox.outputs,
        campaigns=campaigns.outputs,
        sessions=sessions.outputs if sessions else SessionOutputs(),
        monitoring=monitoring.outputs,
    )
    Publication("outputs", site, outputs)
    for name, value in outputs.to_mapping().items():
        pulumi.export(name, value)


def _identity(site: Site) -> StackIdentity:
    return StackIdentity(
        project=site.project,
        stack=site.stack,
        environment=site.settings.environment.value,
        region=site.region,
        account_id=site.account_id,
        version=site.version,
        endpoint_url=site.settings.endpoint_url or "",
        console_actions=ACTIONS_ALLOWED if site.settings.console_allow_actions else READ_ONLY,
    )


main()
