"""A certificate authority of a test's own, and servers' certificates by it."""

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class Authority:
    """Signs; its own certificate is the file `path`."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        made = self._begun(self._name, self._key.public_key()).add_extension(key_id, critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        signs = {"key_cert_sign": True, "crl_sign": True}
        others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        use = x509.KeyUsage(**signs, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False))
        signed = made.add_extension(use, critical=True).sign(self._key, hashes.SHA256())
        self.path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _begun(self, name, key):
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key)
        return made.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)

    def server(self, host):
        """What a server of that name speaks TLS with."""
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        try:
            names = [x509.IPAddress(ipaddress.ip_address(host))]
        except ValueError:
            names = [x509.DNSName(host)]
        made = self._begun(name, key.public_key()).add_extension(x509.SubjectAlternativeName(names), critical=True)
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = made.add_extension(by, critical=False).sign(self._key, hashes.SHA256())
        pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        file = self.folder / "server.pem"
        secret = key.private_bytes(pem, private, serialization.NoEncryption())
        file.write_bytes(secret + signed.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
