"""PublishPost that stays open at its end for as long as a test wants."""

from temporalio import workflow

from contracts.publishing import PUBLISH_POST, PublishPostRequest, PublishPostResult
from workflows.publish_post import PublishPost


@workflow.defn(name=PUBLISH_POST)
class LingeringPublishPost(PublishPost):
    """Has one more update, which takes until it is let go."""

    @workflow.init
    def __init__(self, request: PublishPostRequest) -> None:
        """As its parent."""
        super().__init__(request)
        self._let_go = False

    @workflow.run
    async def run(self, request: PublishPostRequest) -> PublishPostResult:
        """As its parent, which waits for its updates."""
        return await super().run(request)

    @workflow.update
    async def linger(self) -> None:
        """Keep the workflow open."""
        await workflow.wait_condition(lambda: self._let_go)

    @workflow.signal
    def let_go(self) -> None:
        """Let it end."""
        self._let_go = True
