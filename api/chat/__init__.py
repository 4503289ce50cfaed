"""`/v1/chat`: conversations of signed-in people, over HTTP and over sockets."""
