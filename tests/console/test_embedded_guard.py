"""Writes are refused with another account's credentials, whichever way they would go."""

from __future__ import annotations

import pytest

from console.campaigns import make_request
from console.domain import ConsoleError, ProblemKind
from console.services.connect import Options, connect
from console.services.embedded import Ready
from tests.cloud.campaign_client import StackClient
from tests.console.processes import until


def test_credentials_that_change_under_the_console_write_nothing(cloud: Ready, stack: StackClient) -> None:
    connection = connect(Options(endpoint_url=cloud.endpoint_url), lambda step: None)
    assert connection.clients is not None
    request, queue = make_request(1, 1), connection.outputs.messaging.receipts_queue_url
    before = [campaign.id for campaign in connection.source.campaigns()]
    credentials = connection.clients.session.get_credentials()
    credentials.access_key, own = "999999999999", credentials.access_key
    sqs = connection.clients.client("sqs")
    for write in (
        lambda: connection.api.send(request),
        lambda: sqs.send_message(QueueUrl=queue, MessageBody="{}"),
    ):
        with pytest.raises(ConsoleError, match=f"account 999999999999, the stack local to {own}") as raised:
            write()
        assert raised.value.problem.kind is ProblemKind.CREDENTIALS
    credentials.access_key = own
    assert [campaign.id for campaign in connection.source.campaigns()] == before
    sent = connection.api.send(request).id
    until(lambda: bool(stack.show(sent)["settled"]), "the campaign is settled")
