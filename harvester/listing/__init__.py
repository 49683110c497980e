"""How a listing is read to its end: decisions only, no calls."""
