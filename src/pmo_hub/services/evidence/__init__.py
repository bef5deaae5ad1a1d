"""The evidence log: what is put in, how it is sealed, the pack that is taken out, and the script that verifies it."""
