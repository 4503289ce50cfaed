"""Uploading pictures, and handing them to the networks that fetch them."""
