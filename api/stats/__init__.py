"""`/v1/stats`: how well a workspace was served."""
