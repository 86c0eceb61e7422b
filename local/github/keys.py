"""The key pair of an App."""

from local.github.refusals import unprocessable


def key_pair(pem: str | None) -> tuple[str, str]:
    """(private, public) as PEM; a new 2048 bit RSA pair when no private key is given. Raises 422 for what is no key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    if pem is None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        try:
            loaded = serialization.load_pem_private_key(
                pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
            )
        except ValueError as error:
            raise unprocessable("pem is not a private key") from error
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise unprocessable("pem is not an RSA key")
        key = loaded
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
