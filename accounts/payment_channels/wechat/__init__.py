"""WeChat Pay, API v3: native and JSAPI orders, payment codes, refunds, notifications, the daily bill."""
