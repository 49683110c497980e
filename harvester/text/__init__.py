"""What is done to text before a person or a log sees it: secrets are taken out, controls are shown escaped."""
