"""WeChat Pay as the demonstration and the tests have it: the side that signs and keeps orders."""
