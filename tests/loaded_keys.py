"""Private keys, read once for all of a worker's tests.

OpenSSL looks at each reading whether an RSA key's factors are prime: 65 ms, longer than most tests of a payment
channel take. Whoever imports this, before others import the readers by name, gets the same key for the same bytes; no
key can be changed.
"""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

serialization.load_pem_private_key = cache(serialization.load_pem_private_key)
serialization.load_der_private_key = cache(serialization.load_der_private_key)
pkcs12.load_key_and_certificates = cache(pkcs12.load_key_and_certificates)
