"""A run as one page that can be given away: what is on it, how it is drawn, and the file."""
