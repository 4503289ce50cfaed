"""Listings: offered by their sellers, found, marked and asked about by everybody else."""
