"""What is known of ears and of music, as pure functions: batched, on any device, differentiable where needed."""
