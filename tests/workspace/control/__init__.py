"""What a test can turn, break and look at while the stand-in runs."""
