"""What tests share: a clock they move, tokens they sign, an ASGI caller."""
