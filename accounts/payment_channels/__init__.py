"""Payment channels, such as WeChat Pay, Alipay or a bank: the port, its backends and their registry."""
