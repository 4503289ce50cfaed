"""PublishPost with a change that breaks every running post: what replay has to catch."""

from datetime import timedelta

from temporalio import workflow

from contracts.publishing import PUBLISH_POST, PublishPostRequest, PublishPostResult
from workflows.publish_post import PublishPost


@workflow.defn(name=PUBLISH_POST)
class ImpatientPublishPost(PublishPost):
    """Starts with a timer that older posts never had."""

    @workflow.init
    def __init__(self, request: PublishPostRequest) -> None:
        """As its parent."""
        super().__init__(request)

    @workflow.run
    async def run(self, request: PublishPostRequest) -> PublishPostResult:
        """A nap first."""
        await workflow.sleep(timedelta(seconds=1))
        return await super().run(request)
