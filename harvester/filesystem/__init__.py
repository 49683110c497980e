"""What a file system can and cannot do, and where the program keeps its own files."""
