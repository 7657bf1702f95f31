"""What curators do with sheets: begin one, check it, hand it in as a workbook or a table, compare two readings."""
