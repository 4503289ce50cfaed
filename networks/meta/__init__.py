"""Facebook Pages and Instagram: what both say and refuse is the Graph API's."""
