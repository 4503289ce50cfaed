"""By what an operator finds a post in the Temporal web UI."""

from temporalio.common import SearchAttributeKey

WORKSPACE = SearchAttributeKey.for_keyword("PunctualWorkspace")
POST = SearchAttributeKey.for_keyword("PunctualPost")
NETWORKS = SearchAttributeKey.for_keyword_list("PunctualNetworks")
STATUS = SearchAttributeKey.for_keyword("PunctualStatus")
"""A post status of the domain."""
PUBLISH_AT = SearchAttributeKey.for_datetime("PunctualPublishAt")

ALL = (WORKSPACE, POST, NETWORKS, STATUS, PUBLISH_AT)
