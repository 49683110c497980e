"""What a harvest has done so far, in state.sqlite."""
