"""Documents that last, as other programs see them: pdfsig and openssl take what they know of them as valid."""

import subprocess

from onedoor.signing import archive, certificates, development
from onedoor.signing.envelope import open_file
from onedoor.signing.tests.test_lasting import file as file
from onedoor.signing.tests.test_lasting import holder as holder
from onedoor.signing.tests.test_lasting import lab as lab
from onedoor.signing.tests.test_lasting import said_by_pdfsig


def test_pdfsig_takes_the_seal_as_valid_and_sees_the_time_stamp_cover_the_file(file, tmp_path):
    said = said_by_pdfsig(file, tmp_path)
    seal, stamp = said.split("Signature #2")
    assert "Signature is Valid" in seal
    assert "Total document signed" in stamp
    assert development.STAMP_NAME in stamp


def test_openssl_verifies_each_time_stamp_and_refuses_a_changed_file(file, lab, tmp_path):
    opened = open_file(file, lab.trust.roots)
    found = archive.read(file, archive.standing(opened.sealed))
    certificates.save_certificates(tmp_path / "root.pem", [lab.authority.certificate])
    pairs = [(opened.envelope.token, opened.envelope.signature), (found.token, found.stamped)]
    for token, stamped in pairs:
        assert "OK" in by_openssl(token, stamped, tmp_path)
        assert "OK" not in by_openssl(token, stamped + b" ", tmp_path)


def by_openssl(token, stamped, folder):
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(stamped)
    command = "openssl ts -verify -data data -in token -token_in -CAfile root.pem"
    return subprocess.run(command.split(), check=False, cwd=folder, capture_output=True, text=True).stdout


def test_openssl_takes_the_answer_of_the_responder(lab, holder, tmp_path):
    told = lab.status(holder[1], lab.authority.certificate)
    (tmp_path / "told").write_bytes(told.der)
    certificates.save_certificates(tmp_path / "root.pem", [lab.authority.certificate])
    certificates.save_certificates(tmp_path / "seal.pem", [holder[1]])
    command = "openssl ocsp -respin told -issuer root.pem -CAfile root.pem -cert seal.pem"
    done = subprocess.run(command.split(), check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "\ngood\n" in done.stdout, done.stdout  # of that hour: this command knows no other moment than now
    assert "Response verify OK" in done.stderr, done.stderr
