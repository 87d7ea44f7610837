"""GTZAN and MAESTRO from the network: whole archives that resume, or single recordings out of a remote zip."""
