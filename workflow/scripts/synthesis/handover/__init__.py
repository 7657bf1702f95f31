"""Files for people: Word, workbook, archive, citations."""
