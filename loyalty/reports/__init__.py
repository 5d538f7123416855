"""Reports (报表): figures for the console, counted from the tables they tell of; one statement each."""
