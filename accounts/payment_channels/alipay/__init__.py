"""Alipay: orders by QR code, payment codes, refunds, notifications, the daily bill."""
