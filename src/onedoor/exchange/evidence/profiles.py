"""How authorities name an X-Road member in the subject of its certificate, by the name of X-Road's profile."""

from collections.abc import Callable, Mapping

from cryptography import x509
from cryptography.x509.oid import NameOID

Reader = Callable[[x509.Name, str], str]
_SERIAL_PARTS = 3


def _country_organisation_name(subject: x509.Name, _: str) -> str:
    return _member(_one(subject, NameOID.COUNTRY_NAME), _organisation(subject), _common_name(subject))


def _category_serial(subject: x509.Name, instance: str) -> str:
    return _member(instance, _one(subject, NameOID.BUSINESS_CATEGORY), _one(subject, NameOID.SERIAL_NUMBER))


def _serial_name(subject: x509.Name, _: str) -> str:
    parts = _one(subject, NameOID.SERIAL_NUMBER).split("/")
    if len(parts) != _SERIAL_PARTS:
        return ""
    return _member(parts[0], parts[2], _common_name(subject))


def _organisation_unit_name(subject: x509.Name, _: str) -> str:
    return _member(_organisation(subject), _one(subject, NameOID.ORGANIZATIONAL_UNIT_NAME), _common_name(subject))


PROFILES: Mapping[str, Reader] = {
    "EjbcaCertificateProfileInfoProvider": _country_organisation_name,
    "BasicCertificateProfileInfoProvider": _category_serial,
    "FiVRKCertificateProfileInfoProvider": _serial_name,
    "IsCertificateProfileInfoProvider": _organisation_unit_name,
}
"""Last part of ``certificateProfileInfo`` → reader of a subject for an instance; it returns instance/class/code."""


def _member(*parts: str) -> str:
    return "/".join(parts) if all(parts) else ""


def _organisation(subject: x509.Name) -> str:
    return _one(subject, NameOID.ORGANIZATION_NAME)


def _common_name(subject: x509.Name) -> str:
    return _one(subject, NameOID.COMMON_NAME)


def _one(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """Return the one value of an attribute; nothing when there is none, or more than one to choose from."""
    found = subject.get_attributes_for_oid(oid)
    return str(found[0].value) if len(found) == 1 else ""
