"""The sweep, started by a Temporal Schedule: one activity, so that its report is kept and seen."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow

from contracts.activity_interfaces import Sweeping
from contracts.sweeping import SWEEP_POSTS, SweepReport, SweepRequest
from workflows.activity_options import sweeps


@workflow.defn(name=SWEEP_POSTS)
class SweepPosts:
    """Compares what is due with what runs, once."""

    @workflow.run
    async def run(self, request: SweepRequest) -> SweepReport:
        """Go on where the last one stopped. The next one comes soon: this is not tried for long."""
        last = workflow.get_last_completion_result(SweepReport)
        if last is not None:
            request = replace(request, after=last.reached)
        report: SweepReport = await workflow.execute_activity_method(
            Sweeping.sweep_posts, request, **sweeps(within=timedelta(minutes=2))
        )
        return report
