"""Pure arithmetic of composite indices: numpy, whole numbers and Decimal; no Django, no files, no clock."""
