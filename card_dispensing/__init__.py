"""Cards handed out at kiosks: the dispenser on its serial line, and the server's book of what it is to hand out."""
