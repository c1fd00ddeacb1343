"""The Agricultural Bank of China (农业银行) by its merchant interface TrustPay. Not run against the bank."""
