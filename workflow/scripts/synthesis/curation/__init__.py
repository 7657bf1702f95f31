"""The `sheet` command: sheets and workbooks in and out."""
