"""One harvest cut into shards, which any number of machines run, and one archive out of them."""
