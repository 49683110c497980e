"""How an archive stands: what `harvester status` and `harvester verify` say of it, in one place."""
