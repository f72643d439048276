"""The chapters as notebooks for students, for teachers and for marking: `python -m helpers editions`."""
