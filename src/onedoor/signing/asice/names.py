"""What the parts of a container are called, for who writes and who reads them."""

MIMETYPE = "application/vnd.etsi.asic-e+zip"
MIMETYPE_ENTRY, MESSAGE, SIGNATURES = "mimetype", "message.xml", "META-INF/signatures.xml"
SIGNED_RESULT, STAMPED_RESULT = "sig-hashchainresult.xml", "ts-hashchainresult.xml"
TOKEN, MANIFEST, ASIC_MANIFEST = "META-INF/timestamp.tst", "META-INF/manifest.xml", "META-INF/ASiCManifest.xml"
DS = "http://www.w3.org/2000/09/xmldsig#"
HC = "http://cyber.ee/hashchain"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
