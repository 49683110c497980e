"""Where the pictures are: addresses for a downloader, out of what an archive holds."""
