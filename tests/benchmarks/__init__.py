"""Measurements that print one JSON line last; run by hand, not by the test suite."""
