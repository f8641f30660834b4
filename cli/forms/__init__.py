"""Labelled documents in the forms that other tools write, read row by row; each module cites its public description."""
