"""What is asked, as people write it: dates, arguments, and whether two jobs are the same. Pure."""
