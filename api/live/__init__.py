"""`/socket.io`: who may connect, who is there, and what sockets missed."""
