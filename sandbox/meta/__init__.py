"""Facebook Pages and Instagram, on one Graph API."""
