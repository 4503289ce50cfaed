"""`/v1/posts`: what is to be published, where and when."""
