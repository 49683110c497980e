"""An archive that is there already: updates and more detail."""
