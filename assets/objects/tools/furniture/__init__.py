"""Parametric furniture: shapes, procedural materials and a writer of binary glTF. Metres, Y up, front towards +Z."""
