"""A host operated: one operation at a time, by name; and begun in the middle of its life."""
