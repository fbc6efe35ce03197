"""Documents: text on a page, the machine-readable zone and its check digits, the visual zone, the portrait."""
