"""What is known of runs and studies, and what is done to them, without a screen."""
