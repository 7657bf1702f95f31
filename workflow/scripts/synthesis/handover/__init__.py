"""What leaves the project: document, workbook, data package, references, and tables for other programs."""
