"""The built-in network in the tables: posts, who follows whom, what everybody reads.

`publishing` is where posts come in, `spreading` brings them to followers, `home` reads them there.
"""
