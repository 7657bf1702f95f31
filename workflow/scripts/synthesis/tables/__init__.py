"""How tables, files and problems are read and written: the ground on which every other room stands."""
