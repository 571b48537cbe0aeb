"""The listings in the forms that others read: files, calendars, maps, structured data, feeds."""
