"""How many calls may be sent, in this process and in all the others that share a key."""
