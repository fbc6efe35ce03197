"""DID methods, one module each."""

from did.methods.ethr import EthrMethod
from did.methods.jwk import JwkMethod
from did.methods.key import KeyMethod
from did.methods.web import WebMethod

__all__ = ["EthrMethod", "JwkMethod", "KeyMethod", "WebMethod"]
