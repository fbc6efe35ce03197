"""What the two OpenID rooms (issuance, presentations) share: their wire format, their key and their QR codes."""
