"""The connection to Temporal."""

from compileall import compile_dir
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import CompositePayloadConverter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import workflows
from contracts import search_attributes
from runtime.settings import Settings

log = structlog.get_logger(__name__)

_CONVERTERS: Final = tuple(PydanticPayloadConverter().converters.values())


class SharedPayloadConverter(CompositePayloadConverter):
    """Pydantic's, with one memory of types for the process.

    Each workflow has a converter of its own, and would work out anew how each type is read.
    """

    def __init__(self) -> None:
        """Without options, as Temporal makes it."""
        super().__init__(*_CONVERTERS)


DATA_CONVERTER: Final = replace(
    pydantic_data_converter, payload_converter_class=SharedPayloadConverter
)

WORKFLOWS: Final = Path(workflows.__path__[0])


async def connect_temporal(settings: Settings, *, lazy: bool = False) -> Client:
    """A client that speaks our payloads. `lazy` connects with the first call, not now."""
    api_key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=api_key.get_secret_value() if api_key else None,
        tls=settings.temporal_tls,
        data_converter=DATA_CONVERTER,
        lazy=lazy,
    )


def workflow_runner(*, shares_workflows: bool = False) -> SandboxedWorkflowRunner:
    """The sandbox, with the pure rooms passed through: they are the same for every workflow.

    It imports the workflows' own modules anew for each workflow, so that a clock they read or a
    state they keep is an error: in tests. A worker shares them, which is most of what it costs to
    begin a workflow. They are compiled here, once: where Python may not write its bytecode, each
    import would compile them again.
    """
    if not compile_dir(WORKFLOWS, quiet=2):
        log.warning("workflows not compiled", folder=str(WORKFLOWS))
    restrictions = SandboxRestrictions.default.with_passthrough_modules(
        "contracts", "domain", "pydantic", "uuid_utils", "regex"
    )
    if shares_workflows:
        restrictions = restrictions.with_passthrough_modules("workflows")
    return SandboxedWorkflowRunner(restrictions=restrictions)


async def register_search_attributes(client: Client, namespace: str) -> None:
    """Make posts findable in the web UI.

    A namespace that does not let us (Temporal Cloud) says so in the log; create them there by hand.
    """
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=namespace)
        )
        missing = {
            key.name: IndexedValueType.ValueType(key.indexed_value_type)
            for key in search_attributes.ALL
            if key.name not in known.custom_attributes
        }
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
            )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return
        if error.status not in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}:
            raise
        log.warning(
            "search attributes not registered",
            needed=[key.name for key in search_attributes.ALL],
            error=str(error),
        )
