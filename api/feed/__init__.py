"""`/v1/feed`: the built-in network. Reading what is public needs nobody to sign in.

`reading_*` has the feeds and lists of posts, `writing_*` what people do with posts, `comment_*` and
`people_*` the rest.
"""
