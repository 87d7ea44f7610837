"""Sounds and colours as pictures, and how pictures reach a terminal."""
