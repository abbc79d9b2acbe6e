"""What Google Lighthouse says of the pages."""
