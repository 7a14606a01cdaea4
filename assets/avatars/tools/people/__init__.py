"""Dressed, skinned people from MakeHuman's CC0 data; see ../make_people.py."""
