"""Listings: written, found, marked as favourites, asked about, removed."""
