"""Many posts in one request, and what became of them: `/v1/posts/bulk`, imports, `/v1/batches`."""
