"""Analyses: long or many recordings, heard as jobs and kept until somebody removes them."""
