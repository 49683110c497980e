"""What archivists do with an archive that is there: hand it over, and take photos out of it."""
