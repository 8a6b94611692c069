"""A sink and a source on the sandbox's sample workspace; what they send is held against Notion's description."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from integrations.capabilities import RemoteField, RemoteRecord, RemoteValue, ValueData
from integrations.connectors.notion.client import NotionClient
from integrations.connectors.notion.sink import NotionTaskSink
from integrations.connectors.notion.source import NotionTaskSource
from integrations.sandbox.notion.sandbox import Sandbox
from tenants.foundation.crypto import Secret
from tests.fakes.notion_sandbox import running_sandbox
from tests.integrations.connectors.notion.recording import RecordingHttp
from tests.integrations.sandbox.notion import sample


@dataclass
class Desk:
    """A sink and a source on the sample workspace."""

    sink: NotionTaskSink
    source: NotionTaskSource
    sandbox: Sandbox
    http: RecordingHttp
    columns: dict[str, RemoteField]

    def value(self, name: str, data: ValueData) -> dict[str, RemoteValue]:
        field = self.columns[name]
        return {field.id: RemoteValue(field.id, field.kind, data)}

    def fields(self) -> dict[str, RemoteField]:
        return {field.id: field for field in self.columns.values()}

    def sink_at(self, base_url: str) -> NotionTaskSink:
        """A sink with the same token and another address."""
        return NotionTaskSink(NotionClient(http=RecordingHttp(base_url), token=Secret(sample.TOKEN)))

    def held(self, record: RemoteRecord, name: str) -> RemoteValue:
        return record.values[self.columns[name].id]


@pytest.fixture
def desk() -> Iterator[Desk]:
    sandbox = Sandbox(budget=None)
    sandbox.add_workspace(sample.workspace_line(), [*sample.frame_objects(), *sample.tasks(5)])
    sandbox.clock.stop_at(sample.NOON)
    with running_sandbox(sandbox=sandbox) as running:
        http = RecordingHttp(running.base_url)
        client = NotionClient(http=http, token=Secret(sample.TOKEN))
        source = NotionTaskSource(client)
        columns = {field.name: field for field in source.collection(sample.TASKS).fields}
        http.bodies.clear()
        yield Desk(NotionTaskSink(client), source, sandbox, http, columns)
        http.assert_all_conform()
        http.close()
    sandbox.close()
