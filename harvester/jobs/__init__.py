"""What is asked: the job, its values, and how people write them."""
